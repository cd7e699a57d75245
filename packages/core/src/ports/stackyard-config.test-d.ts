import { describe, it } from "vitest";
import { defineConfig } from "./stackyard-config.ts";

describe("the type of a configuration", () => {
  it("accepts variables that may not be set, and constant lists", () => {
    const proxies = ["10.0.0.0/8"] as const;

    defineConfig({
      store: { type: "postgres", maxConnections: 20 },
      server: { trustedProxies: proxies },
      yards: {
        team: { url: "https://stackyard.example.org", token: process.env["TEAM_TOKEN"] },
        production: { type: "aws", region: "eu-west-1", machines: { bucket: "acme-machines" } },
      },
    });
  });

  it("rejects unknown keys and other types, at each level", () => {
    // @ts-expect-error
    defineConfig({ machine: "machines" });
    // @ts-expect-error
    defineConfig({ server: { hots: "localhost" } });
    // @ts-expect-error
    defineConfig({ concurrency: "8" });
    // @ts-expect-error
    defineConfig({ yards: { production: { type: "azure" } } });
    // @ts-expect-error
    defineConfig({ yards: { team: { token: "secret" } } });
  });
});
