import { describe, expect, it } from "vitest";
import { planSteps } from "./plan-steps.ts";
import { readSource } from "./source.ts";
import type { Step } from "./step.ts";
import { applyToText } from "./testing/apply-to-text.ts";

function apply(text: string, step: Step): string {
  return applyToText(text, planSteps(readSource(text), [step]));
}

function lines(...all: readonly string[]): string {
  return `${all.join("\n")}\n`;
}

// Texts of reports about other tools that edit YAML, and what an edit must leave as it is.
describe("a step leaves", () => {
  it("the comment behind the value that it sets (yq#524)", () => {
    const text = (value: string) =>
      lines("# things", "a:", "  b: # inventory", `    c: ${value} # animal`, "    d: chair # furniture");

    expect(apply(text("fly"), { kind: "set", path: ["a", "b", "c"], value: "dog" })).toBe(text("dog"));
  });

  it("empty lines, and comments in other columns (yq#1248)", () => {
    const text = lines("Something:", "# Something comment", "", "  Other:", "  # Other comment", "", "    X: Y");

    expect(apply(text, { kind: "insert-entry", path: ["Something", "Other"], key: "Z", value: "W" })).toBe(
      `${text}    Z: W\n`,
    );
  });

  it("comments at the end of the text, with no empty line between (yq#1883)", () => {
    const head = lines("spec:", "  clusters:", "    - name: basic", "  ## limits", "  requests:");
    const inner = lines("    #   cpu: 1000m", "    storage: 10Gi");
    const tail = lines("  # limits:", "  #   cpu: 2000m");

    expect(apply(head + inner + tail, { kind: "insert-entry", path: ["spec"], key: "type", value: "NodePort" })).toBe(
      `${head}${inner}  type: NodePort\n${tail}`,
    );
  });

  it("comments behind the last item and at the end in their lines (eemeli/yaml#28)", () => {
    const head = lines("# This comment is ok", "entryA:", "  - foo", "", "entryB:", "  - bar # bar comment");
    const tail = lines("", "# Ending comment", "# Ending comment 2");

    expect(apply(head + tail, { kind: "insert-item", path: ["entryB"], index: 1, value: "baz" })).toBe(
      `${head}  - baz\n${tail}`,
    );
  });

  it("spaces before comments that are aligned (eemeli/yaml#207)", () => {
    const text = (value: string) =>
      lines(
        "thing1: something          # this is where you put thing1",
        "thing2: something more     # thing2 has more though",
        "",
        "",
        `thing3: ${value}`,
      );

    expect(apply(text("whatever"), { kind: "set", path: ["thing3"], value: "other" })).toBe(text("other"));
  });

  it("the column of a block of lines whose text it sets (eemeli/yaml#349, eemeli/yaml#691)", () => {
    const text = (...all: readonly string[]) => lines("key: |- # why", ...all.map((line) => `    ${line}`), "b: 1");

    expect(apply(text("line one", "line two"), { kind: "set", path: ["key"], value: "new one\nnew two" })).toBe(
      text("new one", "new two"),
    );
  });

  it("a block of lines beside the value that it sets (fluxcd/image-automation-controller#616)", () => {
    const text = (tag: string) =>
      lines(
        "values:",
        "  config: |",
        '    _format_version: "2.1"',
        "    services:",
        "    - name: example",
        "",
        "      url: https://example.org",
        `  tag: ${tag} # {"$imagepolicy": "x:y:tag"}`,
      );

    expect(apply(text("1.0.0"), { kind: "set", path: ["values", "tag"], value: "1.0.1" })).toBe(text("1.0.1"));
  });

  it("the comment of the next key, and takes its own (yamlpath#170)", () => {
    const text = lines("---", "# test.yaml", "key1: value1", "", "# Pre-comment", "remove_this: key", "");
    const tail = lines("# Post-comment", "keep_this: other key");

    expect(apply(text + tail, { kind: "remove", path: ["remove_this"] })).toBe(
      lines("---", "# test.yaml", "key1: value1", "", "") + tail,
    );
  });

  it("comments that begin in another column than the item that it removes (yaml-tools#22)", () => {
    const item = (index: number) => lines(`  - index: ${index}`, "    severity: 4");
    const text = (first: string) =>
      `alarm:\n  version: 1.0.0\n  severity:\n    # <Failure>\n${first}    # <CPU>\n${item(2)}    # <HDD>\n${item(3)}`;

    expect(apply(text(item(1)), { kind: "remove", path: ["alarm", "severity", 0] })).toBe(text(""));
  });

  it("comments of items and of the list, and an item without a value (kustomize#4481, kustomize#3587)", () => {
    const text = (...items: readonly string[]) =>
      lines(
        "resources:",
        "  # some important comment",
        "  - install.yaml # from v2.2.5",
        "  -",
        ...items,
        "images:",
        "- name: argo",
      );

    expect(apply(text(), { kind: "insert-item", path: ["resources"], index: 2, value: "foo.yaml" })).toBe(
      text("  - foo.yaml"),
    );
  });

  it("how lists are indented, and values that are comments (flux2#1441, flux2#1007)", () => {
    const text = (host: string) =>
      lines(
        "values:",
        "  # storage:",
        "  #   multi: nfs",
        "",
        "  ingress:",
        `    host: ${host}`,
        "",
        "  list:",
        "      - name: a",
        "        time: 1",
        "  other:",
        "  - name: b",
      );

    expect(apply(text("lab"), { kind: "set", path: ["values", "ingress", "host"], value: "live" })).toBe(text("live"));
  });

  it("the mark at the start of the document (flux2#4435)", () => {
    expect(apply("---\nname: docs\n", { kind: "insert-entry", path: [], key: "tag", value: "1.0" })).toBe(
      '---\nname: docs\ntag: "1.0"\n',
    );
  });

  it("quotes, and a comment behind them (pre-commit#1434, dependabot-core#8125, dependabot-core#6313)", () => {
    const text = (rev: string, uses: string) =>
      lines(
        "repos:",
        "-   repo: 'https://x'",
        `    rev: ${rev}`,
        "steps:",
        `  - uses: ${uses} # v2.1.0`,
        '    tag: "1.17.7"',
      );

    const first = apply(text("'v2.4.0'", '"a@01ae"'), { kind: "set", path: ["repos", 0, "rev"], value: "v2.5.0" });
    const second = apply(first, { kind: "set", path: ["steps", 0, "uses"], value: "a@02bf" });

    expect(second).toBe(text("'v2.5.0'", '"a@02bf"'));
  });

  it.each(["\n", "\n\n", ""])("the end of the text, %j (dependabot-core#13244)", (end) => {
    expect(apply(`a: 1\nb: 2${end}`, { kind: "set", path: ["b"], value: 3 })).toBe(`a: 1\nb: 3${end}`);
  });

  it("an empty line with CRLF among comments (yq#2578)", () => {
    const text = lines("# one", "", "# two", "a: 1").replaceAll("\n", "\r\n");

    expect(apply(text, { kind: "insert-entry", path: [], key: "b", value: 2 })).toBe(`${text}b: 2\r\n`);
  });

  it("a comment that is a former entry, behind the last one (prettier#4917)", () => {
    const text = (name: string) => lines("parent:", `  ${name}: 1`, "  # two: 2", "next: 1");

    expect(apply(text("one"), { kind: "rename-key", path: ["parent", "one"], to: "first" })).toBe(text("first"));
  });

  it("a block of lines with its number of spaces, which it moves (prettier#16183)", () => {
    const block = lines("- with:", "    config: |2", "      hello: world");

    expect(apply(`list:\n${block}- b\n`, { kind: "move", path: ["list", 1], to: 0 })).toBe(`list:\n- b\n${block}`);
  });

  it("the comment of an empty list that gets its first item (yamlfix#195)", () => {
    expect(
      apply("in:\n  list: []  # comment\n  map: 1\n", {
        kind: "insert-item",
        path: ["in", "list"],
        index: 0,
        value: 1,
      }),
    ).toBe("in:\n  list:  # comment\n    - 1\n  map: 1\n");
  });
});
