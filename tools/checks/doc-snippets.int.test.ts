import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { toSvg } from "@stackyard/core/drawing";
import { parseEventMessage, parseMachine, toGraph } from "@stackyard/core/machine";
import { commandDefinition } from "@stackyard/executor-command/definition";
import { ecsDefinition } from "@stackyard/executor-ecs/definition";
import { lambdaDefinition } from "@stackyard/executor-lambda/definition";
import { runCommandDefinition } from "@stackyard/executor-runcommand/definition";
import { terraformDefinition } from "@stackyard/executor-terraform/definition";
import { idleDefinition, leakCheckDefinition, quotaDefinition } from "@stackyard/previews/definition";
import { describe, expect, it } from "vitest";
import { type DocSnippet, readDocSnippets } from "./doc-snippets.ts";
import { repositoryRoot } from "./published-packages.ts";

// Pages that other tests compare with what they describe. Blocks of TypeScript are compiled by the check of the packages.
const ELSEWHERE = new Set(["plugins.md", "cli.md", "http-api.md"]);
const pages = [
  ...["README.md", "ARCHITECTURE.md", "ARCHITECTURE-AWS.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"],
  ...readdirSync(join(repositoryRoot, "docs"))
    .filter((name) => name.endsWith(".md") && !ELSEWHERE.has(name))
    .map((name) => `docs/${name}`),
];
const texts = new Map(pages.map((page) => [page, readFileSync(join(repositoryRoot, page), "utf8")]));
const snippets = [...texts].flatMap(([page, text]) => readDocSnippets(page, text));

const titled = (languages: readonly string[], fits: (snippet: DocSnippet) => boolean = () => true) =>
  snippets
    .filter((snippet) => languages.includes(snippet.language) && fits(snippet))
    .map((snippet) => [`${snippet.page}:${snippet.line}`, snippet] as const);

const executors = new Map(
  [
    terraformDefinition,
    lambdaDefinition,
    commandDefinition,
    ecsDefinition,
    runCommandDefinition,
    quotaDefinition,
    idleDefinition,
    leakCheckDefinition,
  ].map((each) => [each.name, each] as const),
);

describe("pieces of the documentation", () => {
  it("say what they are", () => {
    const known = new Set(["yaml", "ts", "js", "json", "sh", "text", "hcl", "nginx"]);

    expect(snippets.filter(({ language }) => !known.has(language))).toEqual([]);
  });

  it.each(titled(["yaml"], ({ note }) => note !== "fragment"))(
    "%s is a machine without errors and warnings",
    (_, { text }) => {
      expect(parseMachine(text, { name: "any", executors }).problems).toEqual([]);
    },
  );

  it.each(titled(["json"]))("%s is JSON, and an event where it looks like one", (_, { text }) => {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || !("stackId" in value) || "position" in value) return;

    expect(parseEventMessage(value, { at: 0, messageId: "any" })).toMatchObject({ kind: "event" });
  });

  it("docs/concepts.md shows what `stackyard graph --format svg` draws of the README's machine, on white also in the dark", async () => {
    const source = snippets.find(({ page, language }) => page === "README.md" && language === "yaml")?.text ?? "";
    const { machine } = parseMachine(source, { name: "any", executors });

    const drawn = machine && toSvg(toGraph(machine), { direction: "vertical" });

    const file = join(repositoryRoot, "docs/images/first-machine.svg");
    await expect(drawn?.replace("<svg ", '<svg style="background:#fff" ')).toMatchFileSnapshot(file);
  });

  it.each(pages)("%s links to what is there", (page) => {
    const links = [...(texts.get(page) ?? "").matchAll(/\]\(([^)#\s]+)[^)]*\)/g)]
      .map(([, target = ""]) => target)
      .filter((target) => !target.startsWith("https://"));
    const dead = links.filter((target) => !existsSync(join(repositoryRoot, dirname(page), target)));

    expect(dead).toEqual([]);
  });
});
