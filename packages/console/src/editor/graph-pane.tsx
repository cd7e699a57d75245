import type { MachineGraph } from "@stackyard/sdk";
import { GraphTable } from "../graph/graph-table.tsx";
import { toSafeText } from "../text/safe-text.ts";
import { GraphCanvas } from "./graph-canvas.tsx";
import { Inspector } from "./inspector.tsx";
import type { Session } from "./session.ts";
import type { OpenDocument } from "./use-document.ts";
import type { EditorView } from "./use-view.ts";

/** A document with what is shown of it. */
export interface PaneProps {
  readonly session: Session;
  readonly document: OpenDocument;
  readonly view: EditorView;
}

/** The graph of the last valid text, and the selected state as a form. */
export function GraphPane({ session, document, view }: PaneProps) {
  const { machine, editor } = document;
  const { selected, edit, setOpened } = view;
  const outline = machine.outline ?? machine.valid?.outline;
  const errors = (machine.problems ?? []).filter(({ severity }) => severity === "error").length;
  const hasGraph = machine.valid?.graph !== undefined;
  return (
    <>
      {errors > 0 && hasGraph && (
        <p className="canvas-note" role="status">
          Last valid text, {errors} {errors === 1 ? "error" : "errors"}
        </p>
      )}
      <Drawing session={session} document={document} view={view} dimmed={errors > 0} />
      {outline !== undefined && !session.readOnly && (
        <Inspector
          key={selected ?? ""}
          outline={outline}
          state={outline.states.find(({ name }) => name === selected)}
          edit={edit}
          onReveal={(range) => editor?.reveal(range)}
          onRename={(what, name) => setOpened({ kind: "rename", what, name })}
          onRemove={(what, name) => setOpened({ kind: "remove", what, name })}
        />
      )}
    </>
  );
}

function Drawing({ session, document, view, dimmed }: PaneProps & { readonly dimmed: boolean }) {
  const { machine, editor } = document;
  const { selected, setOpened } = view;
  const states = (machine.outline ?? machine.valid?.outline)?.states;
  const graph = machine.valid?.graph as MachineGraph | undefined;
  const select = (name: string | undefined) => {
    view.setSelected(name);
    const found = states?.find((each) => each.name === name);
    if (found !== undefined) editor?.reveal(found.key, false);
  };
  const selectEdge = ({ from, event }: MachineGraph["edges"][number]) => {
    select(from);
    const reaction = states?.find(({ name }) => name === from)?.reactions.find((each) => each.event === event);
    if (reaction !== undefined) editor?.reveal(reaction);
  };
  const onKey = (key: "edit" | "rename" | "connect" | "remove" | "undo" | "redo") => {
    if (key === "undo") editor?.undo();
    else if (key === "redo") editor?.redo();
    else if (selected === undefined || session.readOnly) return;
    else if (key === "edit") focusInspector();
    else if (key === "connect") setOpened({ kind: "connect", from: selected });
    else setOpened({ kind: key, what: "state", name: selected });
  };
  if (graph === undefined) {
    return <p className="notice muted">The graph is drawn as soon as the text is a valid machine.</p>;
  }
  if (view.asTable) {
    const label = `Graph of ${toSafeText(session.name)}`;
    return (
      <div style={{ overflow: "auto", flex: 1 }}>
        <GraphTable graph={graph} label={label} onSelect={select} {...(selected !== undefined && { selected })} />
      </div>
    );
  }
  return (
    <GraphCanvas
      graph={graph}
      direction={view.direction}
      dimmed={dimmed}
      selected={selected}
      marks={view.marks}
      tried={view.tab === "simulation" && view.played !== undefined ? new Set(view.played.tried) : undefined}
      moved={view.moved}
      onMove={view.move}
      onSelect={select}
      onSelectEdge={selectEdge}
      onConnect={session.readOnly ? undefined : (from, to) => setOpened({ kind: "connect", from, to })}
      onKey={onKey}
    />
  );
}

function focusInspector(): void {
  globalThis.document.querySelector<HTMLElement>(".inspector input, .inspector select")?.focus();
}
