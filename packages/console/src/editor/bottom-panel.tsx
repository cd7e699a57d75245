import type { Problem } from "@stackyard/core/machine";
import { type ReactNode, useEffect, useState } from "react";
import { KeyList } from "../design/key-list.tsx";
import { FailureNotice, Skeleton } from "../design/page.tsx";
import { Text } from "../design/text.tsx";
import type { MachineText, Simulated } from "../machine/messages.ts";
import type { MachineState } from "../machine/use-machine.ts";
import { DiffOnDemand } from "./diff-on-demand.tsx";
import type { Side } from "./diff-panel.tsx";
import { SimulationPanel } from "./simulation-panel.tsx";

/** A part below text and graph. */
export type BottomTab = "problems" | "simulation" | "diff" | "help";

interface PanelProps {
  readonly shown: BottomTab;
  readonly onShow: (tab: BottomTab) => void;
  readonly machine: MachineState;
  /** The problems are those of the present text, with the configs of its tasks. */
  readonly isChecked: boolean;
  /** The last valid text. */
  readonly text: MachineText;
  readonly base: Side;
  readonly present: string;
  readonly diffTools: ReactNode;
  /** The base is what the text is compared with, and not a stand-in until that is loaded. */
  readonly isCompared: boolean;
  readonly second: (MachineText & { readonly file: string }) | undefined;
  readonly steps: readonly unknown[] | undefined;
  readonly onReveal: (problem: Problem) => void;
  readonly onPlayed: (played: Simulated | undefined) => void;
}

/** Problems, simulation, differences and help. */
export function BottomPanel(props: PanelProps) {
  const { shown, onShow, machine, text, base, present, diffTools, second, steps, onReveal, onPlayed } = props;
  const problems = useCheckedProblems(props);
  const tabs: readonly (readonly [BottomTab, string])[] = [
    ["problems", problems === undefined ? "Problems" : `Problems (${problems.length})`],
    ["simulation", "Simulation"],
    ["diff", "Diff"],
    ["help", "Help"],
  ];
  return (
    <div className="workbench-bottom">
      <div className="workbench-tabs" role="tablist" aria-label="Parts of the editor">
        {tabs.map(([id, title]) => (
          <button key={id} type="button" role="tab" aria-selected={shown === id} onClick={() => onShow(id)}>
            {title}
          </button>
        ))}
      </div>
      {shown === "problems" && <Problems problems={problems} machine={machine} onReveal={onReveal} />}
      {shown === "simulation" &&
        (text.text === "" ? (
          <NothingToSimulate machine={machine} present={present} />
        ) : (
          <SimulationPanel
            machine={text}
            outline={machine.valid?.outline}
            second={second}
            initial={steps}
            onPlayed={onPlayed}
          />
        ))}
      {shown === "diff" &&
        (props.isCompared ? (
          <DiffOnDemand before={base} after={{ title: "Now", text: present }} tools={diffTools} />
        ) : (
          <Skeleton height={120} />
        ))}
      {shown === "help" && <Help />}
    </div>
  );
}

/** A check that takes longer than this is shown. */
const LATE_MS = 300;

/**
 * Returns the problems of the present text. Undefined while they are not known: those of an earlier text stay for a
 * moment, so that nothing flickers while a person types.
 */
function useCheckedProblems({ machine, isChecked }: PanelProps): readonly Problem[] | undefined {
  const { problems, failure } = machine;
  const [known, setKnown] = useState<readonly Problem[]>();
  useEffect(() => {
    if (isChecked) return setKnown(failure === undefined ? problems : undefined);
    const timer = setTimeout(() => setKnown(undefined), LATE_MS);
    return () => clearTimeout(timer);
  }, [isChecked, problems, failure]);
  return isChecked && failure === undefined ? problems : known;
}

/** Renders why nothing can be simulated: it is not known yet, could not be read, or has errors. */
function NothingToSimulate({ machine, present }: Pick<PanelProps, "machine" | "present">) {
  if (machine.failure !== undefined) return <FailureNotice error={machine.failure} onRetry={machine.retry} />;
  if (machine.text !== present) return <Skeleton height={120} />;
  return <p className="notice muted">A machine without errors can be simulated.</p>;
}

interface ProblemsProps extends Pick<PanelProps, "machine" | "onReveal"> {
  /** The problems, or undefined while they are not known. */
  readonly problems: readonly Problem[] | undefined;
}

function Problems({ problems, machine: { failure, retry }, onReveal }: ProblemsProps) {
  if (failure !== undefined) return <FailureNotice error={failure} onRetry={retry} />;
  if (problems === undefined) return <Skeleton height={40} />;
  if (problems.length === 0) return <p className="notice muted">No problems.</p>;
  return (
    <ul className="problems" aria-label="Problems">
      {problems.map((problem) => (
        <li key={`${problem.line}:${problem.column} ${problem.code} ${problem.message}`}>
          <button type="button" onClick={() => onReveal(problem)}>
            <span className={problem.severity === "error" ? "tone-fail" : "tone-warn"}>{problem.severity}</span>{" "}
            <span className="mono">
              {problem.line}:{problem.column} {problem.code}
            </span>{" "}
            <Text>{problem.message}</Text>
          </button>
        </li>
      ))}
    </ul>
  );
}

const KEYS = [
  ["F8", "next problem, in the text"],
  ["Ctrl Space", "completion, in the text"],
  ["Ctrl S", "save"],
  ["Arrow keys", "next state, in the graph"],
  ["Enter", "edit the state"],
  ["F2", "rename it"],
  ["c", "connect it with another"],
  ["Delete", "delete it"],
  ["Ctrl Z", "undo, in text and graph"],
] as const;

const LINKS = [
  ["YAML 1.2", "https://yaml.org/spec/1.2.2/"],
  ["Expressions (CEL)", "https://github.com/google/cel-spec/blob/master/doc/langdef.md"],
  ["State diagrams of Mermaid", "https://mermaid.js.org/syntax/stateDiagram.html"],
] as const;

function Help() {
  return (
    <div className="panel-body stack-v">
      <p>
        The text is the document; the graph is drawn from it. Each change in the graph or a form changes only the lines
        that it must, and is one step to undo. Drag from the right side of a state to another state to add a reaction.
      </p>
      <KeyList keys={KEYS} />
      <p className="row">
        {LINKS.map(([title, href]) => (
          <a key={href} href={href} target="_blank" rel="noopener noreferrer">
            {title}
          </a>
        ))}
      </p>
    </div>
  );
}
