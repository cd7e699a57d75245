import { describe, expect, it } from "vitest";
import { GROUPS } from "./command-groups.ts";
import { COMMAND_NAMES, loadAllCommands, loadNamedCommands } from "./command-table.ts";

const namesOf = async (...words: string[]) => (await loadNamedCommands(...words)).map(({ name }) => name);

describe("the commands", () => {
  it("are loaded by their own names", async () => {
    expect((await loadAllCommands()).map(({ name }) => name)).toEqual(COMMAND_NAMES);
  });

  it("are loaded as far as the words name them", async () => {
    expect(await namesOf("send")).toEqual(["send"]);
    expect(await namesOf("send", "pr-12")).toEqual(["send"]);
    expect(await namesOf("stacks", "ls")).toEqual(["stacks ls"]);
    expect(await namesOf("stacks")).toEqual([]);
    expect(await namesOf("stacks", "constructor")).toEqual([]);
    expect(await namesOf("toString")).toEqual([]);
    expect(await namesOf()).toEqual([]);
  });

  it("are in groups that have descriptions", () => {
    const groups = COMMAND_NAMES.filter((name) => name.includes(" ")).map((name) => name.split(" ")[0] ?? "");
    const described = [...Object.keys(GROUPS), ...COMMAND_NAMES];

    expect([...new Set(groups)].filter((group) => !described.includes(group))).toEqual([]);
  });

  it("come with the commands under them", async () => {
    expect(await namesOf("audit")).toEqual(["audit", "audit export", "audit verify"]);
    expect(await namesOf("audit", "export")).toEqual(["audit export"]);
  });
});
