// SPDX-License-Identifier: AGPL-3.0-or-later
// @vitest-environment jsdom
import { fireEvent, render, screen } from "@testing-library/react";
import { Activity } from "react";
import { beforeEach, expect, it, vi } from "vitest";
import { useGo, useLeaveWarning } from "./leave";

const AWAY = "/servers";
const push = vi.hoisted(() => vi.fn());
vi.mock("next/navigation", () => ({ useRouter: () => ({ push }) }));
const confirm = vi.fn<() => boolean>();
window.confirm = confirm;

function Form({ changed }: { changed: boolean }) {
  useLeaveWarning(changed);
  return null;
}
function Page({ changed, hidden }: { changed: boolean; hidden?: boolean }) {
  const go = useGo();
  return (
    <>
      <Activity mode={hidden ? "hidden" : "visible"}>
        <Form changed={changed} />
      </Activity>
      <button onClick={() => go(AWAY)}>key</button>
      <a href={AWAY} onClick={(event) => event.preventDefault()}>
        away
      </a>
      <a href="?tab=logs" onClick={(event) => event.preventDefault()}>
        tab
      </a>
    </>
  );
}
const press = (text: string) => fireEvent.click(screen.getByText(text));

beforeEach(() => {
  push.mockReset();
  confirm.mockReset();
  window.history.replaceState(null, "", "/projects/shop");
});

it("asks nothing while nothing is changed, and nothing of what stays on the page", () => {
  const { rerender } = render(<Page changed={false} />);
  press("away");
  press("key");
  rerender(<Page changed />);
  press("tab");
  expect(confirm).not.toHaveBeenCalled();
  expect(push).toHaveBeenCalledExactlyOnceWith(AWAY);
  rerender(<Page changed={false} />);
});

it("asks before a key or a link leads away, also of what a hidden tab holds", () => {
  confirm.mockReturnValue(false);
  const { rerender } = render(<Page changed />);
  press("key");
  rerender(<Page changed hidden />);
  press("away");
  expect(confirm).toHaveBeenCalledTimes(2);
  expect(push).not.toHaveBeenCalled();
});

it("forgets what was given up, and what lay on another page", () => {
  confirm.mockReturnValue(true);
  render(<Page changed />);
  press("key");
  press("key");
  expect(confirm).toHaveBeenCalledTimes(1);
  expect(push).toHaveBeenCalledTimes(2);
});

it("does not ask on another page of what this one held", () => {
  render(<Page changed />);
  window.history.pushState(null, "", "/activity");
  press("key");
  window.history.pushState(null, "", "/projects/shop");
  press("key");
  expect(confirm).not.toHaveBeenCalled();
});
