import { defined, formatPlannedEvent, listPages } from "@stackyard/core";
import type { UpgradeResult } from "@stackyard/sdk";
import { useState } from "react";
import { useRefusal } from "../api/access.ts";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { hasFailed, itemsOf, useLoad } from "../api/use-load.ts";
import { type OutcomeCounts, OutcomeTable } from "../bulk/bulk-dialog.tsx";
import { Button } from "../design/button.tsx";
import { Dialog } from "../design/dialog.tsx";
import { Loaded } from "../design/page.tsx";
import { useToast } from "../design/toasts.tsx";
import { toSafeText } from "../text/safe-text.ts";
import type { Comparing } from "./diff-panel.tsx";
import { openText } from "./files.ts";

interface YardDiffProps extends Comparing {
  readonly machine: string;
}

/** Renders a yard's part of the tab Diff: its revisions to compare with, and the text's effect on its stacks. */
export function YardDiff({ machine, base, onBase, valid }: YardDiffProps) {
  const [isOpen, setOpen] = useState(false);
  const refusal = useRefusal("repair", { machine });
  return (
    <div className="row">
      <RevisionPicker machine={machine} base={base} onBase={onBase} />
      <Button refusal={valid === undefined ? "Correct the errors first" : refusal} onPress={() => setOpen(true)}>
        Effect on live stacks…
      </Button>
      {isOpen && valid !== undefined && <EffectDialog machine={machine} text={valid} onClose={() => setOpen(false)} />}
    </div>
  );
}

function RevisionPicker({ machine, base, onBase }: Pick<YardDiffProps, "machine" | "base" | "onBase">) {
  const toast = useToast();
  const [chosen, setChosen] = useState("");
  const revisions = useLoad(keys.machine(machine, "revisions to compare"), ({ signal }) =>
    yard.machines.revisions(machine, { limit: 100, signal }),
  );
  const [first] = useState(base.title);
  const choose = async (hash: string) => {
    setChosen(hash);
    if (hash === "") return onBase(undefined);
    try {
      const { source } = await yard.machines.revision(hash);
      onBase({ title: `revision ${hash.slice(0, 12)}`, text: openText(`${machine}.yaml`, source).text });
    } catch (error) {
      toast(error instanceof Error ? error.message : String(error), "fail");
    }
  };
  return (
    <label className="row">
      Compare with
      <select className="input" value={chosen} onChange={({ target }) => void choose(target.value)}>
        <option value="">{toSafeText(first)}</option>
        {itemsOf(revisions).map(({ hash, current, stacks }) => (
          <option key={hash} value={hash}>
            {`${hash.slice(0, 12)}${current ? ", current" : ""}, ${stacks} ${stacks === 1 ? "stack" : "stacks"}`}
          </option>
        ))}
        {hasFailed(revisions) && <option disabled>The revisions could not be loaded</option>}
      </select>
    </label>
  );
}

/** More would take too long. */
const MAX_STACKS = 100;

/** Renders the effect of an upgrade to a text on the stacks of the machine, and on their histories. Changes nothing. */
function EffectDialog({ machine, text, onClose }: { machine: string; text: string; onClose: () => void }) {
  const query = useLoad(keys.other("effect", { machine, text }), ({ signal }) => loadEffect(machine, text, signal), {
    gcTime: 0,
  });
  return (
    <Dialog title="Effect on live stacks" onClose={onClose}>
      <section>
        <p>
          What an upgrade to this text would do now to the stacks of <b>{toSafeText(machine)}</b>, and where their
          histories would have differed with it. Nothing is changed.
        </p>
        <Loaded query={query} height={84}>
          {(effect) => (effect.total === 0 ? <p>The machine has no stacks.</p> : <OutcomeTable plan={effect} />)}
        </Loaded>
        <div className="row">
          <Button autoFocus onPress={onClose}>
            Close
          </Button>
        </div>
      </section>
    </Dialog>
  );
}

async function loadEffect(machine: string, source: string, signal: AbortSignal): Promise<OutcomeCounts> {
  const [results, { total }] = await Promise.all([
    loadResults(machine, source, signal),
    yard.stacks.counts({ machine }, { signal }),
  ]);
  const groups = Map.groupBy(results, (result) =>
    JSON.stringify([result.outcome, result.code, differs(result), toFollows(result)]),
  );
  const outcomes = [...groups.values()].flatMap(([first, ...others]) => {
    if (first === undefined) return [];
    const { outcome, code } = first;
    const examples = [first, ...others].slice(0, 5).map(({ stackId }) => stackId);
    const follows = toFollows(first);
    return [{ outcome, count: others.length + 1, examples, follows, ...defined({ code, reason: toReason(first) }) }];
  });
  return { total, examined: results.length, outcomes: outcomes.toSorted((a, b) => b.count - a.count) };
}

async function loadResults(machine: string, source: string, signal: AbortSignal): Promise<readonly UpgradeResult[]> {
  const found: UpgradeResult[] = [];
  const pages = listPages((start) => yard.machines.planUpgrades(machine, { source, signal, ...start }));
  for await (const { items } of pages) {
    found.push(...items);
    if (found.length >= MAX_STACKS) break;
  }
  return found.slice(0, MAX_STACKS);
}

function toFollows({ plan }: UpgradeResult): string[] {
  return (plan?.events ?? []).map(formatPlannedEvent);
}

function differs({ plan }: UpgradeResult): boolean {
  return (plan?.differences.length ?? 0) > 0;
}

/** Returns why a stack is rejected, or where its history would have had another outcome. */
function toReason({ reason, plan }: UpgradeResult): string | undefined {
  const first = plan?.differences[0];
  if (reason !== undefined || first === undefined) return reason ?? plan?.incomplete;
  const { event, before, after } = first;
  return `The history would differ first at ${event}: ${toOutcome(after)} instead of ${toOutcome(before)}`;
}

function toOutcome(replayed: NonNullable<UpgradeResult["plan"]>["differences"][number]["before"]): string {
  if (replayed === undefined) return "nothing";
  const { outcome, state, sent } = replayed;
  return [outcome, state, sent.length > 0 && `sends ${sent.join(", ")}`].filter(Boolean).join(", ");
}
