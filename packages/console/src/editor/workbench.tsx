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
import { FailureNotice } from "../design/page.tsx";
import type { Range } from "../machine/edits/operation.ts";
import type { MachineText } from "../machine/messages.ts";
import { BottomPanel, type BottomTab } from "./bottom-panel.tsx";
import type { Comparing, Side } from "./diff-panel.tsx";
import { EditDialog } from "./edit-dialogs.tsx";
import { ExportDialog } from "./export-menu.tsx";
import { TEMPLATE } from "./files.ts";
import { FormPane } from "./form-pane.tsx";
import { GraphPane, type PaneProps } from "./graph-pane.tsx";
import type { EditorKnowledge } from "./knowledge.ts";
import { PendingReport } from "./pending-fields.ts";
import { type Session, toRaw } from "./session.ts";
import { Toolbar } from "./toolbar.tsx";
import { useDocument } from "./use-document.ts";
import { useOpenFile } from "./use-open-file.ts";
import { useSave } from "./use-save.tsx";
import { type Pane, useView } from "./use-view.ts";
import "./editor.css";

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
  readonly tab?: BottomTab;
  /** Another revision, to compare with and to load in simulations. */
  readonly second?: SecondRevision | undefined;
  /** True while it is not known if there is one. */
  readonly awaitsSecond?: boolean;
  /** More for the tab Diff, such as revisions to compare with. */
  readonly diffTools?: ((comparing: Comparing) => ReactNode) | undefined;
  /** Steps of a scenario to begin with. */
  readonly steps?: readonly unknown[] | undefined;
  /** Without the frame of the console. */
  readonly alone?: boolean;
}

/** Renders a machine as graph, forms and text, with its problems, simulations and differences. */
export function Workbench(props: WorkbenchProps) {
  const {
    session,
    onOpen,
    knowledge,
    openers,
    tab = "problems",
    second,
    awaitsSecond,
    steps,
    diffTools,
    alone,
  } = props;
  const save = useRef<() => void>(() => {});
  const document = useDocument({ session, knowledge, onSave: useCallback(() => save.current(), []) });
  const { text, machine, editor } = document;
  const saving = useSave({ session, document });
  save.current = saving.save;
  const view = useView({ session, document, tab });
  const drop = useDrop(onOpen);
  const reveal = (range: Range) => {
    view.setPane("text");
    editor?.reveal(range);
  };
  const [compared, setCompared] = useState<Side>();
  const base = compared ?? { title: second?.file ?? "As opened", text: second?.text ?? document.base };
  return (
    <section
      className={alone ? "workbench alone" : "workbench"}
      aria-label="Editor"
      onKeyDown={(event) => {
        // The text editor has taken its own.
        if (event.defaultPrevented || !isSaveKey(event)) return;
        event.preventDefault();
        if (saving.refusal === undefined) saving.save();
      }}
      {...drop}
    >
      <Toolbar session={session} document={document} saving={saving} onOpen={onOpen} openers={openers} view={view} />
      {saving.notice}
      <OtherTabNotice document={document} />
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
      <PaneTabs pane={view.pane} onPane={view.setPane} />
      <div className="workbench-panes" data-pane={view.pane} style={{ "--share": `${view.share}%` } as CSSProperties}>
        <div className="workbench-pane of-graph">
          {text === "" ? (
            <EmptyHint onTemplate={() => editor?.replace(TEMPLATE, "template")} />
          ) : (
            <GraphPane session={session} document={document} view={view} base={base} />
          )}
        </div>
        <Divider share={view.share} onShare={view.setShare} />
        <div className="workbench-pane of-text">
          <PendingReport value={document.pending.report}>
            <FormPane session={session} document={document} knowledge={knowledge} view={view} onReveal={reveal} />
          </PendingReport>
          <div className="text-pane" ref={document.attach} />
        </div>
      </div>
      <BottomPanel
        shown={view.tab}
        onShow={view.setTab}
        machine={machine}
        isChecked={machine.isCurrent && (knowledge.executors !== undefined || knowledge.failure !== undefined)}
        text={{ name: session.name, text: toRaw(session, machine.valid?.text ?? "") }}
        base={base}
        present={text}
        diffTools={diffTools?.({
          base,
          onBase: setCompared,
          valid: machine.valid?.text === text ? text : undefined,
        })}
        second={second}
        isCompared={compared !== undefined || awaitsSecond !== true}
        steps={steps}
        onReveal={(problem) => reveal(toProblemRange(text, problem))}
        onPlayed={view.setPlayed}
      />
      <OpenedDialog session={session} document={document} view={view} onReveal={reveal} />
    </section>
  );
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

/** Renders the tabs of graph and text on a phone, which has space for one of them. */
function PaneTabs({ pane, onPane }: { pane: Pane; onPane: (pane: Pane) => void }) {
  return (
    <div className="workbench-tabs of-panes" role="tablist" aria-label="Graph or text">
      <button type="button" role="tab" aria-selected={pane === "graph"} onClick={() => onPane("graph")}>
        Graph
      </button>
      <button type="button" role="tab" aria-selected={pane === "text"} onClick={() => onPane("text")}>
        Text
      </button>
    </div>
  );
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

/** Renders the divider between graph and text: moved by the pointer or the arrow keys. */
function Divider({ share, onShare }: { share: number; onShare: (share: number) => void }) {
  const limit = (value: number) => onShare(Math.min(85, Math.max(15, value)));
  return (
    // biome-ignore lint/a11y/useSemanticElements: an hr cannot be moved
    <div
      className="divider"
      role="separator"
      tabIndex={0}
      aria-label="Width of the graph"
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
