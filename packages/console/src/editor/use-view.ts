import { defined } from "@stackyard/core";
import type { Direction, Point } from "@stackyard/core/drawing";
import { useEffect, useMemo, useRef, useState } from "react";
import type { Range } from "../machine/edits/operation.ts";
import type { Simulated } from "../machine/messages.ts";
import type { BottomTab } from "./bottom-panel.tsx";
import type { NodeMark } from "./canvas-parts.tsx";
import type { Edit } from "./edit.ts";
import type { OpenDialog } from "./edit-dialogs.tsx";
import { positions } from "./kept.ts";
import { isPhone } from "./phone.ts";
import type { Session } from "./session.ts";
import type { OpenDocument } from "./use-document.ts";
import { useFocusAfterEdit } from "./use-focus-after-edit.ts";

/** The text of a document or its graph. */
export type Pane = "text" | "graph";

/** The view of a document: what of it is shown, and how. */
export interface EditorView {
  /** The name of a state. */
  readonly selected: string | undefined;
  readonly setSelected: (state: string | undefined) => void;
  readonly opened: OpenDialog | "export" | undefined;
  readonly setOpened: (dialog: OpenDialog | "export" | undefined) => void;
  readonly direction: Direction;
  readonly setDirection: (direction: Direction) => void;
  readonly asTable: boolean;
  readonly setAsTable: (asTable: boolean) => void;
  /** Width of the graph in percent. */
  readonly share: number;
  readonly setShare: (share: number) => void;
  /** Which of both is shown where there is room for one. */
  readonly pane: Pane;
  readonly setPane: (pane: Pane) => void;
  readonly tab: BottomTab;
  readonly setTab: (tab: BottomTab) => void;
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
  readonly tab: BottomTab;
}

/** Keeps what is shown of a document. */
export function useView({ session, document, tab: first }: ViewInput): EditorView {
  const [selected, setSelected] = useState<string>();
  const [opened, open] = useState<OpenDialog | "export">();
  const focus = useFocusAfterEdit();
  const setOpened = (dialog: OpenDialog | "export" | undefined) => {
    if (dialog !== undefined) focus.remember();
    open(dialog);
  };
  const [direction, setDirection] = useState<Direction>(isPhone() ? "down" : "right");
  const [asTable, setAsTable] = useState(false);
  const [share, setShare] = useState(62);
  const [pane, setPane] = useState<Pane>("graph");
  const [played, setPlayed] = useState<Simulated>();
  const [tab, setTab] = useState(first);
  const [moved, setMoved] = useState<ReadonlyMap<string, Point>>(
    () => new Map(Object.entries(positions.load(session.key) ?? {})),
  );
  const { machine, cursor } = document;
  const marks = useMarks(machine.problems, tab === "simulation" ? played : undefined);
  // Ranges of an outline count for the text that it was read from.
  const outline = machine.text === document.text ? machine.outline : undefined;
  useSelectionOfText({ cursor, outline, setSelected });
  const move = (next: ReadonlyMap<string, Point>) => {
    setMoved(next);
    positions.save(session.key, next.size === 0 ? undefined : Object.fromEntries(next));
  };
  const edit: Edit = (operation, label) => {
    const states = (machine.outline ?? machine.valid?.outline)?.states ?? [];
    focus.follow(
      operation,
      states.map(({ name }) => name),
    );
    document.edit(operation, label);
    if (operation.kind === "add-state") setSelected(operation.name);
    if (operation.kind !== "rename" || operation.what !== "state") return;
    const { from, to } = operation;
    if (from === selected) setSelected(to);
    const place = moved.get(from);
    if (place !== undefined) move(new Map([...moved, [to, place]]));
  };
  return {
    selected,
    setSelected,
    opened,
    setOpened,
    direction,
    setDirection,
    asTable,
    setAsTable,
    share,
    setShare,
    pane,
    setPane,
    tab,
    setTab,
    played,
    setPlayed,
    moved,
    move,
    marks,
    edit,
  };
}

/** Problems on the states that they are about, and where the simulated stack is. */
function useMarks(
  problems: readonly { readonly path: string; readonly severity: string }[] | undefined,
  played: Simulated | undefined,
): ReadonlyMap<string, NodeMark> {
  return useMemo(() => {
    const counts = new Map<string, NonNullable<NodeMark["problems"]>>();
    for (const { path, severity } of problems ?? []) {
      const state = /^states\.([^.]+)/.exec(path)?.[1];
      if (state === undefined) continue;
      const { count, hasError } = counts.get(state) ?? { count: 0, hasError: false };
      counts.set(state, { count: count + 1, hasError: hasError || severity === "error" });
    }
    const current = played?.lines.at(-1)?.stack?.state;
    const names = new Set([...counts.keys(), ...(current === undefined ? [] : [current])]);
    return new Map(
      [...names].map((name): [string, NodeMark] => {
        const found = counts.get(name);
        return [name, { current: name === current, ...defined({ problems: found }) }];
      }),
    );
  }, [problems, played]);
}

interface TextSelection {
  readonly cursor: number;
  readonly outline: { readonly states: readonly (Range & { readonly name: string })[] } | undefined;
  readonly setSelected: (state: string) => void;
}

/** Selects the state at the cursor. */
function useSelectionOfText({ cursor, outline, setSelected }: TextSelection): void {
  const states = useRef(outline?.states);
  states.current = outline?.states;
  useEffect(() => {
    const found = states.current?.find(({ from, to }) => from <= cursor && cursor <= to);
    if (found !== undefined) setSelected(found.name);
  }, [cursor, setSelected]);
}
