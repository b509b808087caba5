// SPDX-License-Identifier: AGPL-3.0-or-later
import path from "node:path";
import type { NextConfig } from "next";
import { PHASE_DEVELOPMENT_SERVER } from "next/constants";

const api = process.env.NANOSCALE_API ?? "http://127.0.0.1:7100";

export default function config(phase: string): NextConfig {
  const dev = phase === PHASE_DEVELOPMENT_SERVER;
  return {
    reactStrictMode: true,
    generateBuildId: () => process.env.BUILD_ID ?? "dev",
    poweredByHeader: false,
    images: { unoptimized: true },
    transpilePackages: ["@nanoscale/contracts"],
    turbopack: { root: path.join(import.meta.dirname, "../..") },
    ...(dev
      ? {
          // The same mapping as the web server's, so that dev and the export behave alike.
          rewrites: async () => ({
            beforeFiles: [{ source: "/api/:path*", destination: `${api}/api/:path*` }],
            afterFiles: [
              { source: "/:kind(projects|servers)/:id([^/.]+)", destination: "/:kind/_" },
              {
                source: "/projects/:id([^/.]+)/deployments/:deployment([^/.]+)",
                destination: "/projects/_/deployments/_",
              },
            ],
            fallback: [],
          }),
        }
      : { output: "export" }),
  };
}
