import { defineConfig } from "stackyard";

// What every server and worker has. Replace machines and functions by yours.
export default defineConfig({
  machines: "machines",
  store: "postgres",
  // The only folder that servers and workers can write, on a machine and in an image.
  dataDir: process.env["STATE_DIRECTORY"] ?? ".stackyard",
  executors: { lambda: { functions: { greet: "./functions/greet.mjs" }, mode: "local" } },
  // A configured token that no grant names may do nothing: see docs/access.md.
  access: {
    grants: [
      { to: { token: "admin" }, role: "admin", also: ["states:read", "states:write"] },
      { to: { token: "metrics" }, role: "viewer" },
    ],
  },
  // The address as people see it, and the networks of the proxies, with commas between them; every client in one of them may say
  // from which address a request comes.
  server: {
    url: process.env["YARD_URL"] ?? "http://localhost:7070",
    trustedProxies: process.env["TRUSTED_PROXIES"]?.match(/[^\s,]+/g) ?? [],
  },
});
