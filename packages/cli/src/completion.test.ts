import { describe, expect, it } from "vitest";
import { toCommandFacts } from "./command.ts";
import { loadAllCommands } from "./command-table.ts";
import { completeWords, toBash, toFish, toZsh } from "./completion-words.ts";

const COMMANDS = (await loadAllCommands()).map(toCommandFacts);

const wordsOf = (...words: string[]) => {
  const found = completeWords(words, COMMANDS);
  return found.kind === "words" ? found.words : found.of;
};

describe("completeWords", () => {
  it("offers commands and groups first, then the commands of a group", () => {
    expect(wordsOf("")).toEqual(expect.arrayContaining(["send", "stacks", "version"]));
    expect(wordsOf("--json", "machines", "")).toEqual(["ls", "show", "revisions", "revision", "upgrade"]);
  });

  it("offers flags of the command and of every command", () => {
    expect(wordsOf("stacks", "ls", "-")).toEqual(
      expect.arrayContaining(["--machine", "--condition", "--json", "--quiet", "--no-color", "--help"]),
    );
  });

  it.each([
    [["stacks", "show", ""], "stack"],
    [["send", "pr-12", ""], "event"],
    [["send", "pr-12", "OPENED", "-m", ""], "machine"],
    [["send", "--wait", "pr-12", ""], "event"],
    [["send", "--id", "x", ""], "stack"],
    [["send", "pr-12", "--until=LIVE", "OPENED", "--until", ""], "state"],
    [["stacks", "cancel", "pr-12", ""], "task"],
    [["stacks", "ls", "--yard", ""], "yard"],
    [["graph", ""], "machine"],
  ])("knows what kind of value comes next: %j", (words, kind) => {
    expect(wordsOf(...words)).toBe(kind);
  });

  it("offers the choices of an argument", () => {
    expect(wordsOf("completion", "")).toEqual(["bash", "zsh", "fish"]);
    expect(wordsOf("graph", "m.yaml", "-f", "")).toEqual(["mermaid", "dot", "svg"]);
    expect(wordsOf("stacks", "counts", "--by", "")).toEqual(["machine", "state", "condition", "revision"]);
  });

  it.each([[["nope", ""]], [["stacks", "show", "pr-12", ""]], [["send", "pr-12", "OPENED", "--id", ""]]])(
    "offers nothing where nothing is known: %j",
    (words) => {
      expect(wordsOf(...words)).toEqual([]);
    },
  );

  it("knows what was typed before, by name", () => {
    expect(completeWords(["stacks", "ls", "-m", "web", "--state", ""], COMMANDS)).toMatchObject({
      of: "state",
      typed: new Map([["machine", "web"]]),
    });
  });
});

const commands = [
  { name: "send", summary: "Send it's event.", flags: ["--wait", "--json"] },
  { name: "stacks ls", summary: "List.", flags: ["--machine"] },
];

describe("completion scripts", () => {
  it("offer commands, groups and flags in bash", () => {
    const script = toBash(commands);

    expect(script).toContain('"") offered="send stacks --help --version" ;;');
    expect(script).toContain('"stacks") offered="ls" ;;');
    expect(script).toContain('"send"|"send "*) offered="--wait --json" ;;');
    expect(script).toContain("complete -o default -F _stackyard stackyard");
  });

  it("offer the same in zsh", () => {
    expect(toZsh(commands)).toContain('"stacks ls"|"stacks ls "*) offered="--machine" ;;');
  });

  it("offer the same in fish, with quotes escaped", () => {
    const script = toFish(commands);

    expect(script).toContain("-a send -d 'Send it'\\''s event.'");
    expect(script).toContain("'__fish_seen_subcommand_from stacks; and __fish_seen_subcommand_from ls' -l machine");
  });
});
