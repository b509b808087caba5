import type { NextConfig } from "next";

const config: NextConfig = {
  // A folder that runs by itself with `node server.js`: the release is small, and nothing has to be installed to start it.
  output: "standalone",
  // This app is built inside a larger repository, and must not take a lock file above it for its own.
  turbopack: { root: import.meta.dirname },
  outputFileTracingRoot: import.meta.dirname,
  poweredByHeader: false,
};

export default config;
