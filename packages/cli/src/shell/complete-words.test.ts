import { describe, expect, it } from "vitest";
import { COMMANDS } from "../commands.ts";
import { completeWords } from "./complete-words.ts";

const wordsOf = (...words: string[]) => {
  const found = completeWords(words, COMMANDS);
  return found.kind === "words" ? found.words : found.of;
};

describe("completeWords", () => {
  it("offers commands and groups first, then the commands of a group", () => {
    expect(wordsOf("")).toEqual(expect.arrayContaining(["send", "stacks", "version"]));
    expect(wordsOf("--json", "machines", "")).toEqual(["ls", "show", "upgrade"]);
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
