import { silentLogger } from "@stackyard/core";
import { afterEach, describe, expect, it } from "vitest";
import { makeTempProject } from "../testing/temp-project.ts";
import { openStore } from "./open-store.ts";

const calls = ["load", "commit", "claim", "takeDue", "enqueue", "watch", "close"].map((name) => `${name}() {}`).join();
const files = {
  "good.mjs": `export const createStore = async (options, context) => ({ ${calls}, records: {}, given: { options, context } });`,
  "class.mjs": `class S { ${calls.replaceAll(",", ";")} records = {}; }; export const createStore = () => new S();`,
  "half.mjs": "export const createStore = async () => ({ load() {} });",
  "nothing.mjs": "export const createStore = async () => undefined;",
  "other.mjs": "export default 1;",
  "broken.mjs": "export const createStore = async () => { throw new Error('no route to host'); };",
};

let remove = () => {};
afterEach(() => remove());

function open(use: string, name = use) {
  const project = makeTempProject(files);
  remove = project.remove;
  const env = { SECRET: "s" };
  const choice = { kind: "package", name, use, options: { a: 1 } } as const;
  return { project, store: openStore(choice, { projectDir: project.folder, env, logger: silentLogger }) };
}

describe("openStore", () => {
  it("hands a package its options, the project's folder, the environment and a logger", async () => {
    const { project, store } = open("./good.mjs");

    expect(await store).toMatchObject({
      given: {
        options: { a: 1 },
        context: { projectDir: project.folder, environment: { SECRET: "s" }, logger: silentLogger, migrate: true },
      },
    });
  });

  it("takes a store that is an object of a class", async () => {
    expect(await open("./class.mjs").store).toBeDefined();
  });

  it("says what to install where one of our own packages is missing", async () => {
    await expect(open("@stackyard/store-absent", "postgres").store).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringMatching(
        /^The store "postgres" cannot be loaded: .*`npm install @stackyard\/store-absent`/,
      ),
    });
  });

  it.each([
    ["./half.mjs", "CONFIG_INVALID", '"./half.mjs" is none: `createStore` must resolve with a Store.'],
    ["./nothing.mjs", "CONFIG_INVALID", "must resolve with a Store"],
    ["./other.mjs", "CONFIG_INVALID", "does not export `createStore`"],
    ["./absent.mjs", "CONFIG_INVALID", "there is no file"],
    ["./broken.mjs", "STORE_UNAVAILABLE", 'The store "./broken.mjs" cannot be opened: no route to host'],
    ["@acme/store", "CONFIG_INVALID", "`npm install @acme/store` does it"],
  ])("tells what is wrong with %s", async (use, code, told) => {
    await expect(open(use).store).rejects.toMatchObject({ code, message: expect.stringContaining(told) });
  });
});
