import { definePlugin } from "@stackyard/core";
import { describe, expect, it } from "vitest";
import { parseConfig } from "./parse-config.ts";

describe("parseConfig", () => {
  it("takes everything that a configuration may say", () => {
    const plugin = definePlugin({ name: "p", executors: [] });
    const config = {
      machines: "machines",
      dataDir: ".stackyard",
      plugins: ["a-package", "./plugin.ts", plugin, { use: plugin, options: {} }, { use: "b" }],
      executors: { terraform: { binary: "tofu" } },
      server: { host: "127.0.0.1", port: 0, url: "https://yard.example.org/" },
      store: { type: "postgres", poolSize: 5 },
      concurrency: 2,
    };

    expect(parseConfig(config, "stackyard.config.ts")).toBe(config);
  });

  it("lists everything that is wrong at once", () => {
    const config = { machine: "x", dataDir: "", server: { port: 70_000, hots: "a" }, plugins: [5, ""], concurrency: 0 };

    expect(() => parseConfig(config, "stackyard.config.ts")).toThrow(
      expect.objectContaining({
        code: "CONFIG_INVALID",
        message: expect.stringMatching(/^stackyard\.config\.ts has 7 errors:/),
      }),
    );
    const message = catchMessage(() => parseConfig(config, "stackyard.config.ts"));
    for (const word of [
      'Did you mean "machines"',
      "dataDir",
      "server.port",
      "hots",
      "plugins[0]",
      "plugins[1]",
      "concurrency",
    ]) {
      expect(message).toContain(word);
    }
  });

  it.each([["sqlite"], ["@acme/store"], ["./store.ts"], [{ type: "postgres" }]])("takes the store %j", (store) => {
    expect(parseConfig({ store }, "x")).toEqual({ store });
  });

  it.each([[""], [5], [null], [{}], [{ type: "" }], [{ type: 5 }], [["postgres"]]])("refuses the store %j", (store) => {
    expect(() => parseConfig({ store }, "x")).toThrow('store must be "sqlite", "postgres", a package or a path');
  });

  it.each(["yard.example.org", "ftp://yard.example.org", ""])("refuses %j as the servers' address", (url) => {
    expect(() => parseConfig({ server: { url } }, "x")).toThrow("server.url");
  });

  it.each([[undefined], [null], [[]], ["text"]])("refuses %j", (value) => {
    expect(() => parseConfig(value, "x")).toThrow("default export must be the configuration");
  });
});

function catchMessage(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof Error) return error.message;
  }
  return "";
}
