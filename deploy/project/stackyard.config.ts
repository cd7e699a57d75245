import { defineConfig } from "stackyard";

// What every server and worker has. Replace machines and functions by yours.
export default defineConfig({
  machines: "machines",
  store: "postgres",
  // The only folder that servers and workers can write, on a machine and in an image.
  dataDir: process.env["STATE_DIRECTORY"] ?? ".stackyard",
  executors: { lambda: { functions: { greet: "./functions/greet.mjs" }, mode: "local" } },
  // Tokens by their name: see docs/access.md.
  access: { grants: [{ to: { token: "metrics" }, role: "viewer" }] },
  // The address as people see it, and the networks of the proxy.
  server: {
    url: process.env["YARD_URL"] ?? "http://localhost:7070",
    trustedProxies: ["127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"],
  },
});
