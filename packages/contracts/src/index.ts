// SPDX-License-Identifier: AGPL-3.0-or-later
export type * from "./types";
export * from "./forms";
