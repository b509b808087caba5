// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Problem } from "@nanoscale/contracts";

/** What the API refused, in its own words. `status` 0: it was not reached. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly type: string,
    message: string,
    readonly field?: string,
    /** Seconds, where the API said when to ask again. */
    readonly retryAfter?: number,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

function isProblem(value: unknown): value is Problem {
  return typeof value === "object" && value !== null && "type" in value && "detail" in value;
}

export async function refusal(response: Response): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => null);
  const retryAfter = Number(response.headers.get("retry-after")) || undefined;
  return isProblem(body)
    ? new ApiError(response.status, body.type, body.detail, body.field, retryAfter)
    : new ApiError(
        response.status,
        "unknown",
        `The server answered ${response.status}.`,
        undefined,
        retryAfter,
      );
}

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** `T` is what docs/api.md says of the path; null where the answer has no body (204). */
export async function call<T>(
  method: Method,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<T> {
  let response: Response;
  try {
    response = await fetch(`/api${path}`, {
      method,
      signal,
      credentials: "same-origin",
      headers: body === undefined ? undefined : { "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, "unreachable", "The server cannot be reached. Is the network up?");
  }
  if (!response.ok) throw await refusal(response);
  const text = await response.text();
  return (text ? JSON.parse(text) : null) as T;
}

export const get = <T>(path: string, signal?: AbortSignal) => call<T>("GET", path, undefined, signal);

/** One part of a path: names and ids of the API need no more than this. */
export const part = (text: string) => encodeURIComponent(text);
