import type { LifeInvariant } from "@stackyard/core/testing";
import type { AlertLife, WrittenDocument } from "./an-alert-life.ts";

/** Judges each new alert, each new end of one, and each new text by what the stack was at the instant that it names. */
export function hearAlerts(life: AlertLife): void {
  const { pager, room } = life;
  for (const [index, { since, endedAt, endedBy }] of pager.alerts.entries()) {
    judge(life, `alert ${index}`, {
      isTrue: hadFailed(life, since),
      sentence: "an alert begins, and the stack had not failed",
    });
    if (endedAt === undefined || endedBy !== "yard") continue;
    judge(life, `end ${index}`, {
      isTrue: hasLeft(life, since, endedAt),
      sentence: "an alert is resolved, and the stack still fails",
    });
  }
  for (const [index, { text, at }] of room.shown.entries()) {
    const isTrue = text.includes("Resolved:")
      ? hasLeft(life, 0, at)
      : findFailures(life).some((each) => each.from <= at);
    judge(life, `text ${index}`, { isTrue, sentence: "the room reads what has not happened" });
  }
}

/** Judges a rest: a failure that lasts has an open alert, if a rule sends it there. */
export function judgeRest(life: AlertLife): void {
  const { acts, pager, bench } = life;
  const now = bench.clock.now();
  const [failure] = findFailures(life).filter(({ from, to }) => from <= now && to > now);
  if (failure === undefined || acts.has("quiet")) return;
  if (!isFor(findDocument(life, failure.from), "pager")) return;
  if (pager.alerts.some(({ endedAt }) => endedAt === undefined)) return;
  note(life, "newest", "a stack fails, and no alert is open");
}

/** Judges the end: the stack is gone, so no alert is open that a rule was to end. */
export function judgeEnd(life: AlertLife, fair: Map<string, string>): string {
  const { acts, pager, room } = life;
  const isOpen = ({ endedAt, openedAt }: AlertLife["pager"]["alerts"][number]) =>
    endedAt === undefined && findDocument(life, openedAt)?.resolve !== undefined;
  const open = pager.alerts.filter(isOpen);
  if (open.length > 0) note(life, "newest", "a stack is gone, and its alert is still open");
  const last = room.shown.at(-1)?.text ?? "nothing";
  const told = findDocument(life, findFailures(life).at(-1)?.from ?? 0);
  const isAsked = isFor(told, "team") && told?.resolve !== undefined;
  // What began and ended while the room took nothing is not told.
  const isCalm = last.includes("Resolved:") || last === "nothing" || !isAsked;
  if (!isCalm) note(life, "newest", "a stack is gone, and the room reads that it fails");
  const world = `${open.length} open, the room is ${isCalm ? "calm" : "alarmed"}`;
  if (acts.size === 0) fair.set("world", world);
  if (acts.has("back") && fair.get("world") !== world) note(life, "back", `after the way back ${world}`);
  return `${pager.alerts.length} alerts, ${world}: ${last}`;
}

/** Returns the document as it was when the server read what had happened at an instant: written later in this instant counts. */
function findDocument({ written }: AlertLife, at: number): WrittenDocument | undefined {
  return written.findLast((each) => each.at <= at)?.document;
}

function isFor(document: WrittenDocument | undefined, channel: string): boolean {
  return document?.isThere === true && document.to.includes(channel);
}

interface Failure {
  readonly from: number;
  readonly to: number;
}

function findFailures({ lived }: AlertLife): readonly Failure[] {
  return lived.flatMap(({ at, state }, index) =>
    state === "FAILED" ? [{ from: at, to: lived[index + 1]?.at ?? Number.POSITIVE_INFINITY }] : [],
  );
}

function hadFailed(life: AlertLife, at: number): boolean {
  return findFailures(life).some(({ from, to }) => from <= at && at <= to);
}

/** Returns whether a failure that had begun by an instant was over by another. */
function hasLeft(life: AlertLife, since: number, until: number): boolean {
  return findFailures(life).some(({ to }) => to >= since && to <= until);
}

/** A statement is judged once, when it is new. */
function judge(
  life: AlertLife,
  key: string,
  { isTrue, sentence }: { readonly isTrue: boolean; readonly sentence: string },
): void {
  if (!life.judged.has(key) && !isTrue) note(life, "said", sentence);
  life.judged.add(key);
}

function note({ untrue }: AlertLife, invariant: LifeInvariant, sentence: string): void {
  if (untrue.every((each) => each.sentence !== sentence)) untrue.push({ invariant, sentence });
}
