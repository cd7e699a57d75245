import { fieldOf, getBoard } from "@stackyard/core/api/operations";
import type { Board } from "@stackyard/sdk";
import { Type } from "typebox";
import { failWith } from "../failure.ts";
import { type Painter, toAge } from "../output.ts";
import { defineServerCommand } from "../server/connection.ts";
import { serverNow } from "../server/server-clock.ts";
import { formatItems } from "./print-list.ts";

/** `stackyard board` */
export const board = defineServerCommand({
  name: "board",
  summary: "Show what runs in which environment, by which release.",
  description:
    "Of a machine whose tasks deploy to other stacks. Each line is a version in an environment: how many stacks have it, how they stand, since when, and by which release. Stacks that you may not read are not counted.",
  examples: {
    "stackyard board": "Show the board, if one machine of the yard deploys.",
    "stackyard board shop-release --json": "Print it as one JSON object.",
  },
  args: Type.Object({
    machine: Type.Optional(
      fieldOf(getBoard, "name", {
        completes: "machine",
        description: "The machine of the releases. Default: the only one that deploys.",
      }),
    ),
  }),
  positionals: ["machine"],
  async run({ out, yard, signal }, { machine }) {
    const name = machine ?? (await findOnly(yard, signal));
    const found = await yard.boards.get(name, { signal });
    out.result(found, () => formatBoard(found, out));
  },
});

async function findOnly(
  yard: {
    readonly boards: { list(options: { signal: AbortSignal }): Promise<readonly { readonly machine: string }[]> };
  },
  signal: AbortSignal,
): Promise<string> {
  const [first, ...others] = await yard.boards.list({ signal });
  if (first === undefined) {
    throw failWith("MACHINE_UNKNOWN", "No machine of this yard deploys to other stacks.", {
      hint: "A release is a stack of a machine with tasks of the executor deploy.",
    });
  }
  if (others.length === 0) return first.machine;
  const names = [first, ...others].map((each) => each.machine).join(", ");
  throw failWith("USAGE", `Several machines deploy: ${names}.`, { hint: "Name one: stackyard board MACHINE" });
}

const COLUMNS = ["ENVIRONMENT", "VERSION", "STACKS", "STANDING", "SINCE", "RELEASE"];

function formatBoard({ environments, releases, unreadable = [], machine, turns = [] }: Board, out: Painter): string {
  const now = serverNow();
  const rows = environments.flatMap((environment) => toRows(environment, out, now));
  const lines = { columns: COLUMNS, toRow: (row: readonly string[]) => row };
  const open = releases.filter(({ condition }) => condition !== "healthy" && condition !== "asleep");
  const moving = open.map(({ id, state, waits }) => `${id} is in ${state}.${waits === undefined ? "" : ` ${waits}`}`);
  const table = rows.length === 0 ? `${machine} deploys nothing.` : formatItems(rows, lines, { out, now });
  const held = turns.map(formatTurn);
  const broken = unreadable.map(({ id, problem }) => out.paint("red", `${id} cannot be read. ${problem}`));
  return [table, ...[held, moving, broken].flatMap((lines) => (lines.length === 0 ? [] : ["", ...lines]))].join("\n");
}

/** `The turn shop-prod is with shop-1.42.0. shop-1.43.0 waits, then shop-1.42.1.` */
function formatTurn({ name, holder, waiting, problem }: Board["turns"][number]): string {
  if (problem !== undefined) return `The turn ${name} cannot be read, so no release gets it. ${problem}`;
  const where = holder === undefined ? "is free" : `is with ${holder.release ?? "a release that you may not read"}`;
  const [next, ...later] = waiting.map(({ release }) => release);
  const rest = later.length === 0 ? "" : `; a newer one supersedes ${later.join(", ")}`;
  return `The turn ${name} ${where}.${next === undefined ? "" : ` ${next} gets it next${rest}.`}`;
}

function toRows(
  { task, stack, machine, versions, behind, lag, coming = [], problem }: Board["environments"][number],
  out: Painter,
  now: number,
): readonly (readonly string[])[] {
  const name = `${out.paint("bold", task)} (${stack ?? `stacks of ${machine}`})`;
  const late = lag === undefined ? ", behind" : `, ${lag.releases} behind ${lag.of}`;
  const problems = problem === undefined ? [] : [["–", "–", out.paint("red", problem), "–", "–"]];
  const lines = versions.map(({ values, stacks, standings, since, release }, index) => [
    formatValues(values),
    String(stacks),
    formatStandings(standings, out),
    toAge(since, now),
    `${release?.id ?? "none"}${behind && index === 0 ? late : ""}`,
  ]);
  const runs = lines.length === 0 && problems.length === 0 ? [["–", "0", "nothing runs here", "–", "–"]] : lines;
  const next = coming.map(({ release, hold, values }) => {
    return [formatValues(values), "–", out.paint(hold === "failed" ? "red" : "cyan", COMING[hold]), "–", release];
  });
  return [...problems, ...runs, ...next].map((row, index) => [index === 0 ? name : "", ...row]);
}

const COMING = {
  failed: "failed on its way here",
  freeze: "held by a freeze",
  window: "held: a window is closed",
  turn: "waits for the turn",
  gate: "held by a gate",
  approval: "waits for an approval",
  moving: "on its way here",
} as const;

function formatValues(values: Readonly<Record<string, unknown>>): string {
  const pairs = Object.entries(values).map(([key, value]) => `${key}=${String(value)}`);
  return pairs.join(" ") || "no version";
}

const WORDS = { failed: "failed", moving: "moving", "by-hand": "set by hand", rests: "at rest" } as const;
const COLORS = { failed: "red", moving: "cyan", "by-hand": "yellow", rests: "green" } as const;
const ORDER = ["failed", "moving", "by-hand", "rests"] as const;

function formatStandings(
  standings: Board["environments"][number]["versions"][number]["standings"],
  out: Painter,
): string {
  const present = ORDER.filter((each) => standings[each] > 0);
  return present.map((each) => out.paint(COLORS[each], `${standings[each]} ${WORDS[each]}`)).join(", ");
}
