import type { Sky, Untrue } from "@stackyard/core/testing";
import { createServiceBench } from "../service-bench.ts";
import { aPager, type Pager } from "./a-pager.ts";
import { aTeamRoom, type TeamRoom } from "./a-team-room.ts";

/** A state of the stack, since an instant. */
interface Lived {
  readonly at: number;
  readonly state: "LIVE" | "FAILED" | "gone";
}

/** What the document of notifications says, as it is now. */
export interface WrittenDocument {
  readonly rule: string;
  readonly to: readonly string[];
  readonly resolve: string | undefined;
  readonly dedupe: string | undefined;
  /** False: the document has no rules about failures. */
  readonly isThere: boolean;
}

/** A stack that fails, is repaired, fails again and is removed, on two channels: its hands, its ears and the truth. */
export interface AlertLife {
  readonly sky: Sky;
  readonly bench: ReturnType<typeof createServiceBench>;
  readonly pager: Pager;
  readonly room: TeamRoom;
  /** Oldest first. */
  readonly lived: Lived[];
  /** The documents, each since an instant. Oldest first. */
  readonly written: { readonly at: number; readonly document: WrittenDocument }[];
  readonly untrue: Untrue[];
  /** The statements that were judged. */
  readonly judged: Set<string>;
  /** What was done beside the stack. */
  readonly acts: Set<string>;
  /** Ways back that are played before the removal. */
  readonly backs: ((life: AlertLife) => Promise<void>)[];
  document: WrittenDocument;
  /** The process; undefined while none runs. */
  process: ReturnType<ReturnType<typeof createServiceBench>["start"]> | undefined;
}

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
/** A server reads the history so often. */
export const LOOK_MS = 5 * SECOND_MS;
export const STACK = "shop-pr-7";

const WRITTEN: WrittenDocument = {
  rule: "failed",
  to: ["pager", "team"],
  resolve: "entry.entered && entry.from == 'FAILED'",
  dedupe: undefined,
  isThere: true,
};

/** Writes the document with what a person changes in it. */
export function writeDocument(life: AlertLife, changes: Partial<WrittenDocument> = {}): void {
  const { bench, written } = life;
  life.document = { ...life.document, ...changes };
  written.push({ at: bench.clock.now(), document: life.document });
  const { rule, to, resolve, dedupe, isThere } = life.document;
  const lines = [
    `name: ${rule}`,
    `when: "entry.entered && entry.to == 'FAILED'"`,
    ...(resolve === undefined ? [] : [`resolve: "${resolve}"`]),
    ...(dedupe === undefined ? [] : [`dedupe: { key: "\${entry.stackId}", for: ${dedupe} }`]),
    `to: [${to.join(", ")}]`,
  ];
  bench.write(
    [
      "channels:",
      "  pager: { type: pagerduty, key: { env: PAGER } }",
      "  team: { type: slack-app, channel: C0123456789, token: { env: SLACK } }",
      ...(isThere ? ["rules:", `  - { ${lines.join(", ")} }`] : ["rules: []"]),
    ].join("\n"),
  );
}

/** Opens a life whose stack runs, and whose server follows it. */
export async function openAlertLife(sky: Sky, plant: (life: AlertLife) => void = () => undefined): Promise<AlertLife> {
  const bench = createServiceBench("  []");
  const kept = { lived: [], written: [], untrue: [], judged: new Set<string>(), acts: new Set<string>(), backs: [] };
  const pager = aPager();
  const room = aTeamRoom();
  const life: AlertLife = { ...kept, sky, bench, pager, room, document: WRITTEN, process: undefined };
  bench.answers.next = async (post) => (post.url.includes("slack") ? room : pager).take(post, bench.clock.now());
  writeDocument(life);
  plant(life);
  life.process = bench.start();
  enter(life, "LIVE");
  await turn(life);
  sky.under(bench.clock, (ms) => bench.clock.advance(ms));
  return life;
}

/** Moves the stack into another state; from `gone`, it is made anew. */
export function enter({ bench, lived }: Pick<AlertLife, "bench" | "lived">, state: Lived["state"]): void {
  const before = lived.at(-1)?.state;
  lived.push({ at: bench.clock.now(), state });
  const from = before === undefined || before === "gone" ? {} : { from: before };
  const events = { LIVE: "REPAIRED", FAILED: "BROKE", gone: "CLOSED" } as const;
  const line = { stackId: STACK, event: events[state], ...from };
  if (state === "gone") bench.add({ ...line, to: "GONE", outcome: "removed" });
  else bench.add({ ...line, to: state });
}

/** Lets the server work once, where it runs. A fault of the document keeps it from that. */
export async function turn({ process, bench }: AlertLife): Promise<void> {
  await process?.tick(bench.clock.now() + 1).catch(() => undefined);
}
