import {
  type CSSProperties,
  type DragEvent,
  type KeyboardEvent,
  type ReactNode,
  useCallback,
  useRef,
  useState,
} from "react";
import { Button } from "../design/button.tsx";
import { FailureNotice, Skeleton } from "../design/page.tsx";
import type { Range } from "../machine/edits/operation.ts";
import type { MachineText } from "../machine/messages.ts";
import { ClockBar } from "./clock-bar.tsx";
import { DiffOnDemand } from "./diff-on-demand.tsx";
import type { Comparing, Side } from "./diff-panel.tsx";
import { EditDialog } from "./edit-dialogs.tsx";
import { ExportDialog } from "./export-menu.tsx";
import { TEMPLATE } from "./files.ts";
import { FormPane } from "./form-pane.tsx";
import { GraphPane, type PaneProps } from "./graph-pane.tsx";
import { HelpDialog } from "./help-dialog.tsx";
import type { EditorKnowledge } from "./knowledge.ts";
import { PendingReport } from "./pending-fields.ts";
import { isPhone } from "./phone.ts";
import { useCheckedProblems } from "./problems.tsx";
import { type Session, toRaw } from "./session.ts";
import { SimulationPanel } from "./simulation-panel.tsx";
import { Coverage, SimulationActions, SimulationStatus, useUntried } from "./simulation-parts.tsx";
import { StatusLine } from "./status-line.tsx";
import { Toolbar } from "./toolbar.tsx";
import { useDocument } from "./use-document.ts";
import { useOpenFile } from "./use-open-file.ts";
import { useSave } from "./use-save.tsx";
import { useSimulation } from "./use-simulation.ts";
import { type EditorMode, useView } from "./use-view.ts";
import "./editor.css";
import "./inspector.css";
import "./simulation.css";

/** A revision that a simulation can upgrade to. */
export interface SecondRevision extends MachineText {
  readonly file: string;
}

interface WorkbenchProps {
  readonly session: Session;
  readonly onOpen: (session: Session) => void;
  readonly knowledge: EditorKnowledge;
  /** More ways to open, such as the machines of the yard. */
  readonly openers?: ReactNode;
  /** What is left of the graph to begin with. */
  readonly mode?: EditorMode;
  /** Another revision, to compare with and to load in simulations. */
  readonly second?: SecondRevision | undefined;
  /** True while it is not known if there is one. */
  readonly awaitsSecond?: boolean;
  /** More for the differences, such as revisions to compare with. */
  readonly diffTools?: ((comparing: Comparing) => ReactNode) | undefined;
  /** Steps of a scenario to begin with. */
  readonly steps?: readonly unknown[] | undefined;
  /** Without the frame of the console. */
  readonly alone?: boolean;
}

/** Renders a machine as text and graph, with the fields of what is selected; or its differences, or a simulation. */
export function Workbench(props: WorkbenchProps) {
  const { session, onOpen, openers, alone } = props;
  const parts = useParts(props);
  const drop = useDrop(onOpen);
  const { document, view, saving, simulation } = parts;
  return (
    <section
      className={alone ? "workbench alone" : "workbench"}
      aria-label="Editor"
      onKeyDown={(event) => onKey(event, parts)}
      {...drop}
    >
      <Toolbar
        session={session}
        document={document}
        problems={parts.problems}
        saving={saving}
        onOpen={onOpen}
        openers={openers}
        view={view}
        simulation={
          view.mode === "simulation"
            ? {
                sentence: <Coverage played={simulation.played} />,
                actions: <SimulationActions name={session.name} steps={simulation.steps} view={view} />,
              }
            : undefined
        }
      />
      {saving.notice}
      <OtherTabNotice document={document} />
      <Notices document={document} knowledge={props.knowledge} />
      <div
        className="workbench-panes"
        data-panes={view.panes}
        data-mode={view.mode}
        style={{ "--share": `${view.share}%` } as CSSProperties}
      >
        <LeftPane {...props} {...parts} />
        <Divider share={view.share} onShare={view.setShare} />
        <RightPane {...props} {...parts} />
      </div>
      <BottomLine {...props} {...parts} />
      <OpenedDialog session={session} document={document} view={view} onReveal={parts.reveal} />
    </section>
  );
}

type Parts = ReturnType<typeof useParts>;
type PartProps = WorkbenchProps & Parts;

/** Keeps the document, what is shown of it, and its simulation. */
function useParts({ session, knowledge, mode = "text", second, steps }: WorkbenchProps) {
  const save = useRef<() => void>(() => {});
  const document = useDocument({ session, knowledge, onSave: useCallback(() => save.current(), []) });
  const { machine } = document;
  const saving = useSave({ session, document });
  save.current = saving.save;
  const view = useView({ session, document, mode });
  const isChecked = machine.isCurrent && (knowledge.executors !== undefined || knowledge.failure !== undefined);
  const problems = useCheckedProblems(machine, isChecked);
  const valid = { name: session.name, text: toRaw(session, machine.valid?.text ?? "") };
  const isShown = view.mode === "simulation";
  const simulation = useSimulation({ machine: valid, second, initial: steps, isShown, onPlayed: view.setPlayed });
  const untried = useUntried(isShown ? simulation.played : undefined, machine);
  const [compared, setCompared] = useState<Side>();
  const base = compared ?? { title: second?.file ?? "As opened", text: second?.text ?? document.base };
  const reveal = (range: Range) => {
    if (view.mode !== "text") view.setMode("text");
    if (isPhone()) view.setPanes("text");
    else if (view.panes === "graph") view.setPanes("split");
    document.editor?.reveal(range);
  };
  return { document, saving, view, problems, valid, simulation, untried, compared, setCompared, base, reveal };
}

/** Renders the text, what it differs in from another one, or a simulation. */
function LeftPane(props: PartProps) {
  const { document, view, simulation, valid, second } = props;
  return (
    <div className="workbench-pane of-text">
      <div className="text-pane" ref={document.attach} />
      {view.mode === "diff" && <Differences {...props} />}
      {view.mode === "simulation" && (
        <SimulationPanel simulation={simulation} document={document} valid={valid} second={second} />
      )}
    </div>
  );
}

/** Renders the graph, with the fields of what is selected or the line of time. */
function RightPane(props: PartProps) {
  const { session, document, knowledge, view, base, simulation, untried, valid, reveal } = props;
  const { text, editor } = document;
  const isSimulating = view.mode === "simulation";
  const { possible, takeEdge: onEdge } = simulation;
  return (
    <div className="workbench-pane of-graph">
      <div className="graph-area">
        {text === "" ? (
          <EmptyHint onTemplate={() => editor?.replace(TEMPLATE, "template")} />
        ) : (
          <GraphPane
            session={session}
            document={document}
            view={view}
            base={base}
            stepping={isSimulating ? { possible, untried: untried.shown, onEdge } : undefined}
          />
        )}
        {isSimulating && valid.text !== "" && <ClockBar simulation={simulation} />}
      </div>
      {!isSimulating && (
        <PendingReport value={document.pending.report}>
          <FormPane session={session} document={document} knowledge={knowledge} view={view} onReveal={reveal} />
        </PendingReport>
      )}
    </div>
  );
}

function BottomLine({ document, view, problems, untried, compared, base, awaitsSecond, reveal }: PartProps) {
  if (view.mode === "simulation") return <SimulationStatus untried={untried} />;
  return (
    <StatusLine
      document={document}
      view={view}
      problems={problems}
      base={compared === undefined && awaitsSecond === true ? undefined : base.text}
      onReveal={(problem) => reveal(toProblemRange(document.text, problem))}
    />
  );
}

/** Saves by Ctrl S, and closes the fields by Esc. The text editor and dialogs have taken their own keys. */
function onKey(event: KeyboardEvent, { saving, view }: Pick<Parts, "saving" | "view">): void {
  if (event.defaultPrevented) return;
  if (event.key === "Escape" && view.selection !== undefined) {
    view.select(undefined);
    const state = view.selected === undefined ? "" : CSS.escape(view.selected);
    // The focus would be lost with its field.
    if (globalThis.document.activeElement?.closest(".inspector")) {
      const { currentTarget } = event;
      const place = currentTarget.querySelector<HTMLElement>(`.react-flow__node[data-id="${state}"]`);
      (place ?? currentTarget.querySelector<HTMLElement>("h1 button"))?.focus();
    }
  }
  if (!isSaveKey(event)) return;
  event.preventDefault();
  if (saving.refusal === undefined) saving.save();
}

function Notices({ document, knowledge }: Pick<WorkbenchProps, "knowledge"> & Pick<PaneProps, "document">) {
  return (
    <>
      {document.isDraftLost && (
        <p className="notice warn" role="status">
          This browser keeps no draft: its storage is full or blocked. What is not saved is lost when you leave.
        </p>
      )}
      {knowledge.failure !== undefined && (
        <div>
          <p className="notice">{knowledge.failure.what}</p>
          <FailureNotice error={knowledge.failure.error} onRetry={knowledge.failure.retry} />
        </div>
      )}
    </>
  );
}

/** Renders what the text differs in from another one, in place of the text. */
function Differences({ document, base, compared, setCompared: onBase, awaitsSecond, diffTools }: PartProps) {
  const { text, machine } = document;
  if (compared === undefined && awaitsSecond === true) return <Skeleton height={120} />;
  const valid = machine.valid?.text === text ? text : undefined;
  return <DiffOnDemand before={base} after={{ title: "Now", text }} tools={diffTools?.({ base, onBase, valid })} />;
}

interface DialogProps extends Omit<PaneProps, "base"> {
  /** Shows a part of the text. */
  readonly onReveal: (range: Range) => void;
}

function OpenedDialog({ session, document, view, onReveal }: DialogProps) {
  const { text, machine, refused } = document;
  const outline = machine.outline ?? machine.valid?.outline;
  const dialog = refused === undefined ? view.opened : ({ kind: "refused", ...refused } as const);
  const close = () => {
    view.setOpened(undefined);
    document.clearRefused();
  };
  if (dialog === "help") return <HelpDialog onClose={close} />;
  if (dialog === "export") {
    return (
      <ExportDialog
        machine={{ name: session.name, text: machine.valid?.text ?? text }}
        graph={machine.valid?.graph}
        direction={view.direction}
        moved={view.moved}
        onClose={close}
      />
    );
  }
  if (dialog === undefined || outline === undefined) return null;
  return (
    <EditDialog dialog={dialog} text={text} outline={outline} edit={view.edit} onReveal={onReveal} onClose={close} />
  );
}

function OtherTabNotice({ document: { draftLock, text, base } }: Pick<PaneProps, "document">) {
  if (!draftLock.isElsewhere || text === base) return null;
  return (
    <div className="notice warn" role="status">
      <p>This document is open in another tab, which keeps the draft. The draft of this tab is lost on reload.</p>
      <Button onPress={draftLock.takeOver}>Keep the draft of this tab</Button>
    </div>
  );
}

function isSaveKey({ ctrlKey, metaKey, altKey, shiftKey, key }: KeyboardEvent): boolean {
  return (ctrlKey || metaKey) && !altKey && !shiftKey && key.toLowerCase() === "s";
}

function toProblemRange(text: string, { line, column }: { readonly line: number; readonly column: number }): Range {
  const lines = text.split("\n");
  const start = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0) + column - 1;
  const word = /^["']?[\w$.-]+/.exec(text.slice(start))?.[0].length ?? 0;
  return { from: start, to: start + word };
}

function useDrop(onOpen: (session: Session) => void) {
  const open = useOpenFile(onOpen);
  return {
    onDragOver: (event: DragEvent) => {
      if (event.dataTransfer.types.includes("Files")) event.preventDefault();
    },
    onDrop: (event: DragEvent) => {
      const [file] = event.dataTransfer.files;
      if (file === undefined) return;
      event.preventDefault();
      open(file);
    },
  };
}

function EmptyHint({ onTemplate }: { onTemplate: () => void }) {
  return (
    <div className="notice">
      <p>Type or paste a machine, or drop a .yaml or .json file here.</p>
      <Button look="primary" onPress={onTemplate}>
        Start from a template
      </Button>
    </div>
  );
}

/** Renders the divider between text and graph: moved by the pointer or the arrow keys. */
function Divider({ share, onShare }: { share: number; onShare: (share: number) => void }) {
  const limit = (value: number) => onShare(Math.min(85, Math.max(15, value)));
  return (
    // biome-ignore lint/a11y/useSemanticElements: an hr cannot be moved
    <div
      className="divider"
      role="separator"
      tabIndex={0}
      aria-label="Width of the left pane"
      aria-orientation="vertical"
      aria-valuenow={Math.round(share)}
      aria-valuemin={15}
      aria-valuemax={85}
      onKeyDown={({ key }) => {
        if (key === "ArrowLeft") limit(share - 5);
        if (key === "ArrowRight") limit(share + 5);
      }}
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={(event) => {
        const panes = event.currentTarget.parentElement?.getBoundingClientRect();
        if (panes === undefined || !event.currentTarget.hasPointerCapture(event.pointerId)) return;
        limit(((event.clientX - panes.left) / panes.width) * 100);
      }}
    />
  );
}
