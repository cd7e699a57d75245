import type { StackyardConfig } from "@stackyard/core";
import { defined } from "@stackyard/core";
import { describe, expect, it } from "vitest";
import { chooseSharedStore, chooseStore, findStoreVariable, forgetSecrets, toTaskEnvironment } from "./store.ts";

const aFile = (store?: StackyardConfig["store"]) => ({
  projectDir: "/home/kim/app",
  config: defined({ store }),
});
const embedded = { kind: "sqlite", folder: "/home/kim/app/.stackyard" };
const postgres = { kind: "package", name: "postgres", use: "@stackyard/store-postgres", options: {} };

describe("chooseStore", () => {
  it.each([
    [undefined, embedded],
    ["sqlite", embedded],
    [{ type: "sqlite" }, embedded],
    ["postgres", postgres],
    [
      { type: "postgres", poolSize: 5 },
      { ...postgres, options: { poolSize: 5 } },
    ],
    [
      { type: "dynamodb", table: "Stacks" },
      { kind: "package", name: "dynamodb", use: "@stackyard/store-dynamodb", options: { table: "Stacks" } },
    ],
    ["@acme/store", { kind: "package", name: "@acme/store", use: "@acme/store", options: {} }],
    [
      { type: "./store.ts", a: 1 },
      { kind: "package", name: "./store.ts", use: "./store.ts", options: { a: 1 } },
    ],
  ])("makes of %j what is to be opened", (store, choice) => {
    expect(chooseStore(aFile(store))).toEqual(choice);
  });

  it("rejects options of the embedded store, whose folder is named elsewhere", () => {
    expect(() => chooseStore(aFile({ type: "sqlite", folder: "x" }))).toThrow(
      expect.objectContaining({
        code: "CONFIG_INVALID",
        details: { hint: "Set its folder in `dataDir`, next to `store`." },
      }),
    );
  });
});

describe("toTaskEnvironment", () => {
  const TOKENS = { STACKYARD_TOKEN: "a", STACKYARD_API_TOKENS: "b", STACKYARD_API_TOKENS_FILE: "c" };
  const POSTGRES = { DATABASE_URL: "d", DATABASE_URL_FILE: "e", POSTGRES_CONNECTION_SECRET: "f" };
  const LIBPQ = { PGPASSWORD: "i", PGPASSFILE: "j" };
  const DYNAMODB = { DYNAMODB_TABLE: "g", DYNAMODB_WORK_TABLE: "h" };
  const others = { PATH: "/bin", STACKYARD_URL: "https://yard.example.org" };

  it.each([
    [undefined, { ...POSTGRES, ...LIBPQ, ...DYNAMODB }],
    ["postgres", DYNAMODB],
    ["dynamodb", { ...POSTGRES, ...LIBPQ }],
    ["./store.ts", DYNAMODB],
  ])("hides the tokens, and of a yard on %j the way into its store", (store, left) => {
    const env = { ...others, ...TOKENS, ...POSTGRES, ...LIBPQ, ...DYNAMODB };

    expect(toTaskEnvironment(env, chooseStore(aFile(store)))).toEqual({ ...others, ...left });
  });
});

describe("chooseSharedStore", () => {
  it.each(["DATABASE_URL", "DATABASE_URL_FILE", "POSTGRES_CONNECTION_SECRET"])(
    "takes Postgres where only %s names a store",
    (name) => {
      expect(chooseSharedStore(aFile(), { [name]: "x" })).toEqual(postgres);
      expect(chooseSharedStore(aFile(), { [name]: "" })).toEqual(embedded);
      expect(chooseSharedStore(aFile("sqlite"), { [name]: "x" })).toEqual(embedded);
      expect(chooseSharedStore(aFile({ type: "postgres", poolSize: 5 }), { [name]: "x" })).toMatchObject({
        options: { poolSize: 5 },
      });
      expect(findStoreVariable(aFile(), { [name]: "x" })).toBe(name);
      expect(findStoreVariable(aFile("postgres"), { [name]: "x" })).toBeUndefined();
    },
  );
});

describe("forgetSecrets", () => {
  it("removes tokens and addresses of the store, and leaves what the database's driver reads again", () => {
    const env = {
      PATH: "/bin",
      STACKYARD_URL: "u",
      STACKYARD_TOKEN: "a",
      STACKYARD_API_TOKENS: "b",
      DATABASE_URL: "d",
      PGPASSWORD: "i",
    };

    forgetSecrets(env, chooseStore(aFile("postgres")));

    expect(env).toEqual({ PATH: "/bin", STACKYARD_URL: "u", PGPASSWORD: "i" });
  });
});
