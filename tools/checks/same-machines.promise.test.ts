import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isMap } from "@stackyard/core";
import { type Machine, parseMachine } from "@stackyard/core/machine";
import { expect, it } from "vitest";
import { repositoryRoot } from "./published-packages.ts";

// A template, its example, the demo of the example and pages show one machine with more or less around it. What leads where, and under
// which condition, is the same wherever two of them have the same transition: a correction of one is a correction of all.

/** Machines of one family, and the transitions of a copy that differ from the first, with the reason. */
const FAMILIES: readonly {
  readonly of: string;
  readonly copies: readonly { readonly in: string; readonly except?: Readonly<Record<string, string>> }[];
}[] = [
  {
    of: "packages/cli/template-previews/machines/preview.yaml",
    copies: [
      { in: "examples/previews/machines/preview.yaml" },
      { in: "examples/previews/demo/machines/preview.yaml" },
      {
        in: "docs/plans-and-policies.md",
        except: {
          "REVIEW FAILED": "an environment that lives on: what runs stays",
          "APPLY FAILED": "without a state for failures, it plans again",
          "DRIFT NEXT": "drift is planned at once",
        },
      },
    ],
  },
  {
    of: "packages/cli/template-promotion/machines/shop-release.yaml",
    copies: [
      {
        in: "examples/promotion/machines/shop-release.yaml",
        except: { "PRODUCTION FAILED": "its tenants wait for a person" },
      },
      {
        in: "examples/promotion/demo/machines/shop-release.yaml",
        except: { "PRODUCTION FAILED": "its tenants wait for a person" },
      },
    ],
  },
  {
    of: "packages/cli/template-promotion/machines/shop.yaml",
    copies: [{ in: "examples/promotion/machines/shop.yaml" }, { in: "examples/promotion/demo/machines/shop.yaml" }],
  },
  {
    of: "packages/cli/template/machines/review-app.yaml",
    copies: [{ in: "examples/review-app/machines/review-app.yaml" }],
  },
];

/** Reads a machine; of a page the first one. */
function read(path: string, begin = "# file: machines/"): Machine {
  const text = readFileSync(join(repositoryRoot, path), "utf8");
  const blocks = [...text.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, block = ""]) => block);
  const source = path.endsWith(".md") ? blocks.find((block) => block.startsWith(begin)) : text;
  const { machine, problems } = parseMachine(source ?? "", { name: "any" });
  if (machine === undefined) throw new Error(`${path}: ${problems[0]?.message}`);
  return machine;
}

/** Returns the transitions by `STATE EVENT`: the conditions in their order, each with the states that it leads to. */
function toTransitions({ states }: Machine): ReadonlyMap<string, string> {
  const rows = [...states.values()].flatMap(({ name, on }) =>
    [...on].map(([event, reactions]): [string, string] => {
      const lines = reactions.map(({ when, advance }) => `${when?.source ?? "always"} → ${advance.join(", ")}`);
      return [`${name} ${event}`, lines.join("\n")];
    }),
  );
  return new Map(rows);
}

it.each(FAMILIES.flatMap(({ of, copies }) => copies.map((copy) => [of, copy.in, copy.except ?? {}] as const)))(
  "%s and %s have the same transitions",
  (of, copy, except) => {
    const [first, second] = [toTransitions(read(of)), toTransitions(read(copy))];
    const shared = [...first.keys()].filter((key) => second.has(key));

    const differences = shared.filter((key) => first.get(key) !== second.get(key));

    expect(shared.length).toBeGreaterThan(3);
    expect(differences.sort()).toEqual(Object.keys(except).sort());
  },
);

/** The machines that undo. Pages show others in parts. */
const UNDOING = [
  ...["packages/cli/template-promotion", "examples/promotion", "examples/promotion/demo"].map(
    (directory) => `${directory}/machines/shop-release.yaml`,
  ),
  "packages/promotion/README.md",
];

function configOf({ tasks }: Machine, task: string): Readonly<Record<string, unknown>> {
  const config = tasks.get(task)?.definition["config"];
  return isMap(config) ? config : {};
}

/** Returns the states in which a release keeps a turn that it names them for. */
function listTurnStates(machine: Machine): readonly string[] {
  return [...machine.tasks.keys()].flatMap((task) => {
    const { turn } = configOf(machine, task);
    return isMap(turn) && Array.isArray(turn["states"]) ? turn["states"].map(String) : [];
  });
}

it.each(UNDOING)("%s tries each undo, and does not keep its turn when one fails", (path) => {
  const machine = read(path, "# machines/shop-release.yaml");
  const isUndo = (task: string) => configOf(machine, task)["op"] === "undo";
  const undoing = [...machine.states.values()].filter(({ tasks }) => tasks.some(isUndo));
  const led = undoing.map(({ on }) => (on.get("FAILED") ?? []).flatMap(({ advance }) => advance));
  // What needs a task that has failed is never tried.
  const untried = [...machine.tasks.values()].filter(({ name, needs }) => isUndo(name) && needs.some(isUndo));

  expect(led).toEqual([["STOPPED"]]);
  expect(listTurnStates(machine)).not.toContain("STOPPED");
  expect(untried.map(({ name }) => name)).toEqual([]);
});
