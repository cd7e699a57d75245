import type { Problem } from "@stackyard/core/machine";
import type { ReactNode } from "react";
import { KeyList } from "../design/key-list.tsx";
import { Text } from "../design/text.tsx";
import type { MachineText, Simulated } from "../machine/messages.ts";
import type { MachineState } from "../machine/use-machine.ts";
import { DiffPanel, type Side } from "./diff-panel.tsx";
import { SimulationPanel } from "./simulation-panel.tsx";

/** A part below text and graph. */
export type BottomTab = "problems" | "simulation" | "diff" | "help";

interface PanelProps {
  readonly shown: BottomTab;
  readonly onShow: (tab: BottomTab) => void;
  readonly machine: MachineState;
  /** The last valid text. */
  readonly text: MachineText;
  readonly base: Side;
  readonly present: string;
  readonly diffTools: ReactNode;
  readonly second: (MachineText & { readonly file: string }) | undefined;
  readonly steps: readonly unknown[] | undefined;
  readonly onReveal: (problem: Problem) => void;
  readonly onPlayed: (played: Simulated | undefined) => void;
}

/** Problems, simulation, differences and help. */
export function BottomPanel(props: PanelProps) {
  const { shown, onShow, machine, text, base, present, diffTools, second, steps, onReveal, onPlayed } = props;
  const problems = machine.problems ?? [];
  const tabs: readonly (readonly [BottomTab, string])[] = [
    ["problems", `Problems (${problems.length})`],
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
      {shown === "problems" && <Problems problems={problems} failure={machine.failure} onReveal={onReveal} />}
      {shown === "simulation" &&
        (text.text === "" ? (
          <p className="notice muted">A machine without errors can be simulated.</p>
        ) : (
          <SimulationPanel
            machine={text}
            outline={machine.valid?.outline}
            second={second}
            initial={steps}
            onPlayed={onPlayed}
          />
        ))}
      {shown === "diff" && <DiffPanel before={base} after={{ title: "Now", text: present }} tools={diffTools} />}
      {shown === "help" && <Help />}
    </div>
  );
}

interface ProblemsProps {
  readonly problems: readonly Problem[];
  readonly failure: string | undefined;
  readonly onReveal: (problem: Problem) => void;
}

function Problems({ problems, failure, onReveal }: ProblemsProps) {
  return (
    <>
      {failure !== undefined && (
        <p className="notice fail" role="alert">
          {failure}
        </p>
      )}
      {problems.length === 0 && failure === undefined && <p className="notice muted">No problems.</p>}
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
    </>
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
