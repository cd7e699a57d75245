import type { RevisionDetails, StackSnapshot } from "@stackyard/sdk";
import { useMemo } from "react";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { useLoad } from "../api/use-load.ts";
import { useSearch } from "../design/links.tsx";
import { Loaded } from "../design/page.tsx";
import { RevisionEditor, YardEditor } from "./yard-editor.tsx";

/** Renders a machine played step by step: from nothing, or from a present or earlier position of a stack. */
export function SimulatePage() {
  const { stack, at } = useSearch();
  if (stack === undefined) return <YardEditor mode="simulation" />;
  return <FromStack key={`${stack} ${at}`} id={stack} at={at} />;
}

function FromStack({ id, at }: { id: string; at: string | undefined }) {
  const query = useLoad(
    keys.other("simulated stack", { id, at }),
    async ({ signal }) => {
      const stack = await loadStack(id, at, signal);
      if (stack.hash === undefined) throw new Error("The revision of the stack is not known.");
      const revision = await yard.machines.revision(stack.hash, { signal });
      return { stack, revision };
    },
    { staleTime: Number.POSITIVE_INFINITY, gcTime: 0 },
  );
  return (
    <Loaded query={query} height={420}>
      {(loaded) => <StackSimulator {...loaded} />}
    </Loaded>
  );
}

async function loadStack(id: string, at: string | undefined, signal: AbortSignal): Promise<StackSnapshot["stack"]> {
  if (at === undefined) return (await yard.stacks.snapshot(id, { signal })).stack;
  const { stack, incomplete } = await yard.stacks.at(id, Number(at), { signal });
  if (stack === undefined) throw new Error(incomplete ?? `The stack did not exist at position ${at}.`);
  return stack;
}

function StackSimulator({ stack, revision }: { stack: StackSnapshot["stack"]; revision: RevisionDetails }) {
  const steps = useMemo(() => [{ stack }], [stack]);
  return <RevisionEditor revision={revision} mode="simulation" steps={steps} />;
}
