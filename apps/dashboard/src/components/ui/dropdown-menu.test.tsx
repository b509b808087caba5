// SPDX-License-Identifier: AGPL-3.0-or-later
import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { expect, it } from "vitest";
import { Dialog, DialogContent } from "./dialog";
import { DropdownMenu, DropdownMenuContent, DropdownMenuItem, DropdownMenuTrigger } from "./dropdown-menu";

function Page() {
  const [open, setOpen] = useState(false);
  return (
    <>
      <DropdownMenu>
        <DropdownMenuTrigger>Actions</DropdownMenuTrigger>
        <DropdownMenuContent>
          <DropdownMenuItem onSelect={() => setOpen(true)}>Remove</DropdownMenuItem>
        </DropdownMenuContent>
      </DropdownMenu>
      <Dialog open={open} onOpenChange={setOpen}>
        <DialogContent title="Remove it?">
          <input aria-label="Name" />
        </DialogContent>
      </Dialog>
    </>
  );
}

it("gives the focus back to its button when a dialog that an item opened closes", async () => {
  const user = userEvent.setup();
  render(<Page />);
  const trigger = screen.getByText("Actions");
  await user.click(trigger);
  await user.click(await screen.findByRole("menuitem", { name: "Remove" }));
  const name = await screen.findByLabelText("Name");
  await waitFor(() => expect(name).toHaveFocus());
  await user.keyboard("{Escape}");
  await waitFor(() => expect(name).not.toBeInTheDocument());
  await waitFor(() => expect(trigger).toHaveFocus());
});
