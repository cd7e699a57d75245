import { describe, expect, it } from "vitest";
import { toBash, toFish, toZsh } from "./completion-scripts.ts";

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
