import { readFileSync } from "node:fs";
import { failed } from "@stackyard/core";
import { parseMachine } from "@stackyard/core/machine";
import { createScriptedExecutor, createSimulator } from "@stackyard/core/testing";
import { expect, it } from "vitest";

const DAY_MS = 86_400_000;
const FAULT = failed({ code: "NO_ROOM", message: "no room", retryable: false });

interface Template {
  readonly folder: string;
  readonly machine: string;
  readonly send: readonly { readonly event: string; readonly metadata?: Record<string, string> }[];
}

function read({ folder, machine }: Pick<Template, "folder" | "machine">): string {
  return readFileSync(new URL(`../${folder}/machines/${machine}.yaml`, import.meta.url), "utf8");
}

/** Makes everything fail that makes something, and returns the state of the stack after so many days. */
async function failFirstRollOut(template: Template, days: number): Promise<string | undefined> {
  const executors = ["terraform", "lambda", "command", "quota", "signed", "leak-check", "deploy", "gate"].map(
    (name) => {
      const { executor } = createScriptedExecutor(name, ({ task }) =>
        /^(apply|app|database|network|plan)$/.test(task) ? FAULT : undefined,
      );
      return executor;
    },
  );
  // Approved at once.
  const source = read(template).replaceAll("executor: approval", "executor: signed");
  const { machine: parsed } = parseMachine(source, { name: template.machine });
  if (parsed === undefined) throw new Error("The machine of the template is invalid.");
  const yard = createSimulator({ executors, machines: [{ machine: parsed, source }] });
  for (const [index, { event, metadata }] of template.send.entries()) {
    const { machine } = template;
    await yard.publish({ id: `e${index}`, stackId: "one", event, machine, ...(metadata && { metadata }) });
    await yard.settle();
  }
  expect((await yard.findStack("one"))?.lastFailure).toBeDefined();
  for (let day = 0; day < days; day++) await yard.advance(DAY_MS);
  return (await yard.findStack("one"))?.state;
}

it.each<Template>([
  { folder: "template", machine: "review-app", send: [{ event: "OPENED" }] },
  { folder: "template-minimal", machine: "environment", send: [{ event: "OPENED" }] },
  { folder: "template-previews", machine: "preview", send: [{ event: "OPENED", metadata: { sha: "9f1c" } }] },
  { folder: "template-sandbox", machine: "sandbox", send: [{ event: "ORDERED", metadata: { customer: "acme" } }] },
])("removes an environment of $folder that never becomes healthy", async (template) => {
  expect(await failFirstRollOut(template, 35)).toBeUndefined();
});

it.each(["template-promotion/shop", "template-staging/staging"])(
  "leaves a failed environment of %s, which is meant to stay, to a person or the next version, and says so",
  (path) => {
    const [folder = "", name = ""] = path.split("/");
    const { machine } = parseMachine(read({ folder, machine: name }), { name });
    const readme = readFileSync(new URL(`../${folder}/README.md.template`, import.meta.url), "utf8");

    const broken = machine?.states.get("BROKEN");
    expect([...(broken?.on.keys() ?? [])]).toEqual(["RETRY", "RELEASED", "CLOSED"]);
    expect(readme).toMatch(/stays in `BROKEN`(?=[^.]*`RETRY`)(?=[^.]*`RELEASED`)[^.]*`CLOSED`/);
  },
);

it.each([
  ...["template/review-app", "template-minimal/environment", "template-previews/preview", "template-sandbox/sandbox"],
  ...["template-promotion/shop", "template-promotion/shop-release", "template-staging/staging"],
])("has no state in which a failure stays, according to validate: %s", (path) => {
  const [folder = "", name = ""] = path.split("/");
  const { problems } = parseMachine(read({ folder, machine: name }), { name });

  expect(problems.filter(({ code }) => code === "failure-stays")).toEqual([]);
});
