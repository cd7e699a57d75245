import { defined } from "@stackyard/core";
import type { Direction, Point } from "@stackyard/core/drawing";
import { useEffect, useMemo, useRef, useState } from "react";
import type { Simulated } from "../machine/messages.ts";
import type { Outline, OutlineState } from "../machine/outline.ts";
import type { NodeMark } from "./canvas-parts.tsx";
import type { Edit } from "./edit.ts";
import type { OpenDialog } from "./edit-dialogs.tsx";
import { positions } from "./kept.ts";
import { isPhone } from "./phone.ts";
import { findPlaces, findSelection, followEdit, type Selection, stateOf } from "./selection.ts";
import type { Session } from "./session.ts";
import { findStateTime } from "./state-time.ts";
import type { OpenDocument } from "./use-document.ts";
import { useFocusAfterEdit } from "./use-focus-after-edit.ts";

/** What is left of the graph: the text of the document, what it differs in from another one, or a simulation. */
export type EditorMode = "text" | "diff" | "simulation";

/** Which of both panes is shown. `text` is the left one. */
export type Panes = "text" | "split" | "graph";

/** A dialog of the editor. */
type Opened = OpenDialog | "export" | "help";

/** The view of a document: what of it is shown, and how. */
export interface EditorView {
  readonly selection: Selection | undefined;
  readonly select: (selection: Selection | undefined) => void;
  /** The name of the state that is selected, or whose arrow is. */
  readonly selected: string | undefined;
  readonly opened: Opened | undefined;
  readonly setOpened: (dialog: Opened | undefined) => void;
  /** The direction that a person has chosen; undefined: the one in which the graph fits. */
  readonly turned: Direction | undefined;
  readonly turn: (direction: Direction) => void;
  /** The direction in which the graph is drawn. */
  readonly direction: Direction;
  readonly setDirection: (direction: Direction) => void;
  readonly asTable: boolean;
  readonly setAsTable: (asTable: boolean) => void;
  /** Width of the left pane in percent. */
  readonly share: number;
  readonly setShare: (share: number) => void;
  readonly panes: Panes;
  readonly setPanes: (panes: Panes) => void;
  readonly mode: EditorMode;
  readonly setMode: (mode: EditorMode) => void;
  readonly played: Simulated | undefined;
  readonly setPlayed: (played: Simulated | undefined) => void;
  /** Where states were moved to, by name. */
  readonly moved: ReadonlyMap<string, Point>;
  readonly move: (moved: ReadonlyMap<string, Point>) => void;
  /** Marks on states, by name. */
  readonly marks: ReadonlyMap<string, NodeMark>;
  /** Plans an edit; the state that it makes or renames is selected. */
  readonly edit: Edit;
}

interface ViewInput {
  readonly session: Session;
  readonly document: OpenDocument;
  readonly mode: EditorMode;
}

/** Keeps what is shown of a document. */
export function useView({ session, document, mode }: ViewInput): EditorView {
  const [selection, select] = useState<Selection>();
  const [opened, open] = useState<Opened>();
  const focus = useFocusAfterEdit();
  const setOpened = (dialog: Opened | undefined) => {
    if (dialog !== undefined) focus.remember();
    open(dialog);
  };
  const [turned, turn] = useState<Direction>();
  const [direction, setDirection] = useState<Direction>("right");
  const [asTable, setAsTable] = useState(false);
  const [played, setPlayed] = useState<Simulated>();
  const panes = usePanes(mode);
  const { machine, cursor } = document;
  const marks = useMarks({
    problems: machine.problems,
    // While the text has errors, the graph is that of the last valid one.
    states: machine.valid?.outline?.states,
    played: panes.mode === "simulation" ? played : undefined,
  });
  // Ranges of an outline count for the text that it was read from.
  const outline = machine.text === document.text ? machine.outline : undefined;
  useSelectionOfText({ cursor, outline, select });
  useMarkedText({ document, outline, selection });
  const moving = useMoved(session.key);
  const edit: Edit = (operation, label) => {
    const states = (machine.outline ?? machine.valid?.outline)?.states;
    // Before the first outline no neighbor of a state is known that could get the focus.
    if (states !== undefined) {
      focus.follow(
        operation,
        states.map(({ name }) => name),
      );
    }
    document.edit(operation, label);
    select(followEdit(selection, operation));
    if (operation.kind !== "rename" || operation.what !== "state") return;
    const place = moving.moved.get(operation.from);
    if (place !== undefined) moving.move(new Map([...moving.moved, [operation.to, place]]));
  };
  return {
    selection,
    select,
    selected: stateOf(selection),
    opened,
    setOpened,
    turned,
    turn,
    direction,
    setDirection,
    asTable,
    setAsTable,
    ...panes,
    played,
    setPlayed,
    ...moving,
    marks,
    edit,
  };
}

/** The width of the left pane to begin with, in percent. */
const SHARES: Readonly<Record<EditorMode, number>> = { text: 38, diff: 55, simulation: 32 };

type PanesView = Pick<EditorView, "mode" | "setMode" | "panes" | "setPanes" | "share" | "setShare">;

/** Keeps what is left of the graph, which panes are shown, and the width of each. */
function usePanes(first: EditorMode): PanesView {
  const [mode, setMode] = useState(first);
  const [shares, setShares] = useState(SHARES);
  const [panes, setPanes] = useState<Panes>(isPhone() ? toOnlyPane(first) : "split");
  return {
    mode,
    setMode: (next) => {
      setMode(next);
      if (isPhone()) setPanes(toOnlyPane(next));
      else if (panes === "graph" && next !== "text") setPanes("split");
    },
    panes,
    setPanes,
    share: shares[mode],
    setShare: (share) => setShares({ ...shares, [mode]: share }),
  };
}

/** Returns what a phone shows first: it has room for one pane. */
function toOnlyPane(mode: EditorMode): Panes {
  return mode === "text" ? "graph" : "text";
}

/** Keeps where states of a document were moved to. */
function useMoved(key: string): Pick<EditorView, "moved" | "move"> {
  const [moved, setMoved] = useState<ReadonlyMap<string, Point>>(
    () => new Map(Object.entries(positions.load(key) ?? {})),
  );
  const move = (next: ReadonlyMap<string, Point>) => {
    setMoved(next);
    positions.save(key, next.size === 0 ? undefined : Object.fromEntries(next));
  };
  return { moved, move };
}

interface MarksInput {
  readonly problems: readonly { readonly path: string; readonly severity: string }[] | undefined;
  readonly states: readonly OutlineState[] | undefined;
  readonly played: Simulated | undefined;
}

/** Problems on the states that they are about, when these are left by themselves, and where the simulated stack is. */
function useMarks({ problems, states, played }: MarksInput): ReadonlyMap<string, NodeMark> {
  return useMemo(() => {
    const counts = new Map<string, NonNullable<NodeMark["problems"]>>();
    for (const { path, severity } of problems ?? []) {
      const state = /^states\.([^.]+)/.exec(path)?.[1];
      if (state === undefined) continue;
      const { count, hasError } = counts.get(state) ?? { count: 0, hasError: false };
      counts.set(state, { count: count + 1, hasError: hasError || severity === "error" });
    }
    const times = new Map((states ?? []).map((state) => [state.name, findStateTime(state)]));
    const current = played?.lines.at(-1)?.stack?.state;
    const names = new Set([...times.keys(), ...counts.keys(), ...(current === undefined ? [] : [current])]);
    return new Map(
      [...names].map((name): [string, NodeMark] => [
        name,
        { current: name === current, ...defined({ problems: counts.get(name), time: times.get(name) }) },
      ]),
    );
  }, [problems, states, played]);
}

interface TextSelection {
  readonly cursor: number;
  readonly outline: Outline | undefined;
  readonly select: (selection: Selection) => void;
}

/** Selects the part at the cursor. */
function useSelectionOfText({ cursor, outline, select }: TextSelection): void {
  const latest = useRef(outline);
  latest.current = outline;
  useEffect(() => {
    const found = latest.current && findSelection(latest.current, cursor);
    if (found !== undefined) select(found);
  }, [cursor, select]);
}

interface MarkedText {
  readonly document: OpenDocument;
  readonly outline: Outline | undefined;
  readonly selection: Selection | undefined;
}

/** Marks the selected part in the text. While the text is not read again, the marks move with it. */
function useMarkedText({ document: { editor }, outline, selection }: MarkedText): void {
  useEffect(() => {
    if (outline !== undefined) editor?.mark(findPlaces(outline, selection));
  }, [editor, outline, selection]);
}
