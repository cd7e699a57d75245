import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { PostgresStoreOptions } from "./store-options.ts";

const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");

describe("the README", () => {
  it("lists every option", () => {
    const options: Required<{ [Name in keyof PostgresStoreOptions]: true }> = {
      connection: true,
      schema: true,
      tls: true,
      maxConnections: true,
      idleMs: true,
      connectTimeoutMs: true,
      statementTimeoutMs: true,
      answerTimeoutMs: true,
      applicationName: true,
      migrate: true,
      maxGroup: true,
      logger: true,
    };
    const table = readme.slice(readme.indexOf("## Options"), readme.indexOf("## The schema"));

    const listed = [...table.matchAll(/^\| `(\w+)` \|/gm)].map((row) => row[1]);

    expect(listed.sort()).toEqual(Object.keys(options).sort());
  });
});
