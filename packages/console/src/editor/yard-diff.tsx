import { defined } from "@stackyard/core";
import type { BulkPlan, StackSnapshot } from "@stackyard/sdk";
import { StackyardApiError } from "@stackyard/sdk";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { OutcomeTable } from "../design/bulk-dialog.tsx";
import { Button } from "../design/button.tsx";
import { Dialog } from "../design/dialog.tsx";
import { Loaded } from "../design/page.tsx";
import { useToast } from "../design/toasts.tsx";
import { machineClient } from "../machine/machine-client.ts";
import { toSafeText } from "../text/safe-text.ts";
import type { Comparing } from "./diff-panel.tsx";
import { openText } from "./files.ts";

interface YardDiffProps extends Comparing {
  readonly machine: string;
}

/** What a yard adds to the tab Diff: its revisions to compare with, and what the text would do to its stacks. */
export function YardDiff({ machine, base, onBase, valid }: YardDiffProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <div className="row">
      <RevisionPicker machine={machine} base={base} onBase={onBase} />
      <Button refusal={valid === undefined ? "Correct the errors first" : undefined} onPress={() => setOpen(true)}>
        Effect on live stacks…
      </Button>
      {isOpen && valid !== undefined && <EffectDialog machine={machine} text={valid} onClose={() => setOpen(false)} />}
    </div>
  );
}

function RevisionPicker({ machine, base, onBase }: Pick<YardDiffProps, "machine" | "base" | "onBase">) {
  const toast = useToast();
  const [chosen, setChosen] = useState("");
  const { data } = useQuery({
    queryKey: keys.machine(machine, "revisions to compare"),
    queryFn: ({ signal }) => yard.machines.revisions(machine, { limit: 100, signal }),
  });
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
        {(data?.items ?? []).map(({ hash, current, stacks }) => (
          <option key={hash} value={hash}>
            {`${hash.slice(0, 12)}${current ? ", current" : ""}, ${stacks} ${stacks === 1 ? "stack" : "stacks"}`}
          </option>
        ))}
      </select>
    </label>
  );
}

/** More would take too long. */
const MAX_STACKS = 100;

interface EffectProps {
  readonly machine: string;
  readonly text: string;
  readonly onClose: () => void;
}

/** What an upgrade to a text would do to the stacks of the machine as they stand. Changes nothing. */
function EffectDialog({ machine, text, onClose }: EffectProps) {
  const query = useQuery({
    queryKey: keys.other("effect", { machine, text }),
    queryFn: ({ signal }) => loadEffect(machine, text, signal),
    gcTime: 0,
  });
  return (
    <Dialog title="Effect on live stacks" onClose={onClose}>
      <section>
        <p>
          What an upgrade to this text would do now to the stacks of <b>{toSafeText(machine)}</b>. Nothing is changed.
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

type Effect = Pick<BulkPlan, "outcomes" | "examined" | "total">;

async function loadEffect(machine: string, text: string, signal: AbortSignal): Promise<Effect> {
  const [{ items }, { total }] = await Promise.all([
    yard.stacks.list({ machine }, { limit: MAX_STACKS, signal }),
    yard.stacks.counts({ machine }, { signal }),
  ]);
  const found = await Promise.all(items.map(({ id }) => findSnapshot(id, signal)));
  const stacks = found.filter((stack) => stack !== undefined);
  const hashes = [...new Set(stacks.flatMap(({ hash }) => hash ?? []))];
  const revisions = await Promise.all(hashes.map((hash) => yard.machines.revision(hash, { signal })));
  const sources = revisions.map(({ source }) => source);
  const lines = await machineClient.run("effect", { name: machine, text, revisions: sources, stacks });
  const groups = Map.groupBy(lines.keys(), (index) => {
    const { outcome, code, reason } = lines[index] ?? {};
    return JSON.stringify([outcome, code, reason]);
  });
  const outcomes = [...groups.values()].flatMap((indexes): Effect["outcomes"] => {
    const line = lines[indexes[0] ?? 0];
    if (line === undefined) return [];
    const examples = indexes.slice(0, 5).flatMap((index) => stacks[index]?.id ?? []);
    const { outcome, code, reason } = line;
    return [{ outcome, count: indexes.length, examples, ...defined({ code, reason }) }];
  });
  return { total, examined: stacks.length, outcomes: outcomes.toSorted((a, b) => b.count - a.count) };
}

/** Undefined of a stack that is gone meanwhile. */
async function findSnapshot(id: string, signal: AbortSignal): Promise<StackSnapshot["stack"] | undefined> {
  try {
    return (await yard.stacks.snapshot(id, { signal })).stack;
  } catch (error) {
    if (error instanceof StackyardApiError && error.problem.status === 404) return undefined;
    throw error;
  }
}
