import { toLabel } from "@stackyard/core/drawing";
import type { MachineGraph } from "@stackyard/sdk";
import { useMemo, useState } from "react";
import { Button } from "../design/button.tsx";
import { saveFile } from "../design/save-file.ts";
import { Arrow, Text } from "../design/text.tsx";
import type { Simulated } from "../machine/messages.ts";
import type { MachineState } from "../machine/use-machine.ts";
import { toCount } from "./problems.tsx";
import { toScenarioText } from "./scenario.ts";
import { StatusList } from "./status-line.tsx";
import type { EditorView } from "./use-view.ts";

/** Renders what the head says of a simulation. */
export function Coverage({ played }: { played: Simulated | undefined }) {
  return (
    <span role="status">
      Simulation: nothing is sent{played !== undefined && `; ${played.tried} of ${played.total} reactions tried`}
    </span>
  );
}

interface ActionsProps {
  readonly name: string;
  readonly steps: readonly unknown[];
  readonly view: Pick<EditorView, "setMode">;
}

/** Renders what the head offers of a simulation. */
export function SimulationActions({ name, steps, view }: ActionsProps) {
  return (
    <>
      <Button
        idle={steps.length === 0 ? "No steps yet" : undefined}
        onPress={() => saveFile(new Blob([toScenarioText(steps)]), `${name}.jsonl`)}
      >
        Save scenario
      </Button>
      <Button look="primary" onPress={() => view.setMode("text")}>
        Close simulation
      </Button>
    </>
  );
}

/** The arrows that no step has taken. */
export interface Untried {
  readonly edges: readonly { readonly index: number; readonly edge: MachineGraph["edges"][number] }[];
  /** Their indexes, while they are listed. */
  readonly shown: ReadonlySet<number> | undefined;
  readonly setShown: (isShown: boolean) => void;
}

/** Knows which arrows of a machine no step has taken, and whether they are shown. */
export function useUntried(played: Simulated | undefined, { valid }: MachineState): Untried {
  const [isShown, setShown] = useState(false);
  const graph = valid?.graph as MachineGraph | undefined;
  const edges = useMemo(
    () =>
      (graph?.edges ?? []).flatMap((edge, index) =>
        edge.event !== undefined && played?.edges[index] === 0 ? [{ index, edge }] : [],
      ),
    [graph, played],
  );
  const shown = useMemo(() => (isShown ? new Set(edges.map(({ index }) => index)) : undefined), [isShown, edges]);
  return { edges, shown, setShown };
}

/** Renders the line below a simulation. */
export function SimulationStatus({ untried: { edges, setShown } }: { untried: Untried }) {
  const face = `${toCount(edges.length, "reaction")} not tried`;
  return (
    <footer className="status-line">
      <span className="muted">Blue: what can happen now; press an arrow to let it happen.</span>
      <span className="status-room" />
      {edges.length > 0 && (
        <StatusList face={face} label={face} isAtEnd onToggle={setShown}>
          <ul className="untried" aria-label="Reactions not tried">
            {edges.map(({ index, edge }) => (
              <li key={index}>
                <b>
                  <Text>{edge.from}</Text>
                </b>{" "}
                <Text>{toLabel(edge)}</Text> <Arrow /> <Text>{edge.to}</Text>
              </li>
            ))}
          </ul>
        </StatusList>
      )}
    </footer>
  );
}
