import { describe, it } from "vitest";
import { defineConfig } from "./define-config.ts";

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
    // @ts-expect-error: an unknown key
    defineConfig({ machine: "machines" });
    // @ts-expect-error: an unknown key inside
    defineConfig({ server: { hots: "localhost" } });
    // @ts-expect-error: a text for a number
    defineConfig({ concurrency: "8" });
    // @ts-expect-error: an unknown kind of yard
    defineConfig({ yards: { production: { type: "azure" } } });
    // @ts-expect-error: a yard without its address
    defineConfig({ yards: { team: { token: "secret" } } });
  });
});
