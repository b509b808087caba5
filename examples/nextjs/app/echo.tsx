"use client";

import { type FormEvent, useState } from "react";

/** Sends what was typed through the API route and shows what came back. */
export function Echo() {
  const [answer, setAnswer] = useState("");

  async function send(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const text = String(new FormData(event.currentTarget).get("text"));
    const response = await fetch("/api/echo", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ text }),
    });
    setAnswer(response.ok ? JSON.stringify(await response.json(), null, 2) : `The server answered ${response.status}.`);
  }

  return (
    <form onSubmit={send}>
      <label htmlFor="text">Try the API route</label>
      <div className="row">
        <input id="text" name="text" defaultValue="Hello" maxLength={200} required />
        <button>Send</button>
      </div>
      <output aria-live="polite">{answer}</output>
    </form>
  );
}
