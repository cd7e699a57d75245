import { defined } from "@stackyard/core";
import { type RefObject, useCallback, useContext, useEffect, useMemo, useRef, useState } from "react";
import { useSettings } from "../design/settings.ts";
import { useToast } from "../design/toasts.tsx";
import type { Operation, Plan, Refusal } from "../machine/edits/operation.ts";
import { machineClient } from "../machine/machine-client.ts";
import { type MachineState, useMachine } from "../machine/use-machine.ts";
import { createCompletion, createHover, type Knowledge } from "./completion.ts";
import type { Edit } from "./edit.ts";
import { DraftOwner, drafts } from "./kept.ts";
import type { EditorKnowledge } from "./knowledge.ts";
import { type PendingFields, usePendingFields } from "./pending-fields.ts";
import type { Session } from "./session.ts";
import { createTextEditor, type TextEditor } from "./text-editor.ts";
import { type DraftLock, useDraftLock } from "./use-draft-lock.ts";

/** The open document: its text in the editor, and the worker's results for it. */
export interface OpenDocument {
  /** Puts the text editor into an element. */
  readonly attach: (place: HTMLElement | null) => void;
  readonly editor: TextEditor | undefined;
  readonly text: string;
  readonly machine: MachineState;
  readonly cursor: number;
  /** The text when it was last opened or saved; of an outdated draft, the one that it began from. */
  readonly base: string;
  readonly setBase: (text: string) => void;
  /** Which tab keeps the draft. */
  readonly draftLock: DraftLock;
  /** The browser could not keep the draft. */
  readonly isDraftLost: boolean;
  /** Texts of fields that are not yet in the text. */
  readonly pending: PendingFields;
  /** True while something that was entered is not yet in the text. */
  readonly isChanging: boolean;
  /** Enters what is pending, waits until it is in the text, and returns that. */
  readonly settle: () => Promise<string>;
  /** A draft of an earlier visit was opened in place of the document. */
  readonly restored: boolean;
  /** The document was changed and saved after that draft was begun. */
  readonly isOutdated: boolean;
  readonly edit: Edit;
  readonly refused: { readonly refusal: Refusal; readonly label: string } | undefined;
  readonly clearRefused: () => void;
  readonly undoLabel: string | undefined;
  readonly canRedo: boolean;
}

interface DocumentInput {
  readonly session: Session;
  readonly knowledge: EditorKnowledge;
  readonly onSave: () => void;
}

const DRAFT_MS = 500;

/** Opens a document in a text editor, with a draft of it where there is one. */
export function useDocument({ session, knowledge, onSave }: DocumentInput): OpenDocument {
  const { drafts: keepsDrafts } = useSettings();
  const owner = useContext(DraftOwner);
  const draftKey = owner ? `${owner} ${session.key}` : session.key;
  const mayKeep = keepsDrafts && owner !== undefined;
  const draft = useMemo(() => (mayKeep ? drafts.load(draftKey) : undefined), [draftKey, mayKeep]);
  const restored = draft !== undefined && draft.text !== session.text;
  const [editor, setEditor] = useState<TextEditor>();
  const [text, setText] = useState(restored ? draft.text : session.text);
  // Without a home nothing can be overwritten.
  const isOutdated = restored && draft.base !== session.text && session.home !== undefined;
  const [base, setBase] = useState(isOutdated ? draft.base : session.text);
  const [cursor, setCursor] = useState(0);
  const [undoLabel, setUndoLabel] = useState<string>();
  const [canRedo, setCanRedo] = useState(false);
  const machine = useMachine({ name: session.name, text, ...defined({ executors: knowledge.executors }) });
  // While a key is typed, the text is often not YAML.
  const outline = machine.outline ?? machine.valid?.outline;
  const latest = useRef({ knowledge, onSave, outline });
  latest.current = { knowledge, onSave, outline };
  const opened = useRef<TextEditor>(undefined);
  const [start] = useState(text);

  const attach = useCallback(
    (place: HTMLElement | null) => {
      opened.current?.destroy();
      opened.current = undefined;
      if (place === null) return;
      const know = (): Knowledge => {
        const { knowledge: present, outline: parsed } = latest.current;
        return { schemas: present.schemas, executors: present.executors ?? [], outline: parsed };
      };
      const created: TextEditor = createTextEditor(place, {
        text: start,
        readOnly: session.readOnly !== undefined,
        onText: (next) => {
          setText(next);
          setUndoLabel(opened.current?.undoLabel());
          setCanRedo(opened.current?.canRedo() ?? false);
        },
        onCursor: setCursor,
        onSave: () => latest.current.onSave(),
        complete: createCompletion(know),
        explain: createHover(know),
      });
      opened.current = created;
      setEditor(created);
    },
    [session.readOnly, start],
  );

  useEffect(() => editor?.setProblems(machine.text === text ? (machine.problems ?? []) : []), [editor, machine, text]);
  const draftLock = useDraftLock(draftKey);
  const isKept = mayKeep && !draftLock.isElsewhere;
  const isDraftLost = useKeptDraft(draftKey, { text, base, isKept });
  const onLate = (late: string) => isKept && drafts.save(draftKey, { text: late, base });
  const { isPlanning, planned, ...editing } = useEdits({ opened, readOnly: session.readOnly, onLate });
  const pending = usePendingFields();
  const isChanging = pending.has || isPlanning;
  useLeaveWarning(isChanging || (text !== base && (!isKept || isDraftLost)));
  const settle = async () => {
    pending.enter();
    await planned();
    return opened.current?.view.state.doc.toString() ?? text;
  };

  return {
    attach,
    editor,
    text,
    machine,
    cursor,
    base,
    setBase,
    draftLock,
    isDraftLost,
    pending,
    isChanging,
    settle,
    restored,
    isOutdated,
    ...editing,
    undoLabel,
    canRedo,
  };
}

interface KeptDraft {
  readonly text: string;
  readonly base: string;
  /** By this tab. */
  readonly isKept: boolean;
}

/**
 * Keeps the text as a draft while it differs from what was saved, also what was typed just before one leaves. Returns true when
 * the browser could not.
 */
function useKeptDraft(key: string, { text, base, isKept }: KeptDraft): boolean {
  const [isLost, setLost] = useState(false);
  const latest = useRef<() => void>(undefined);
  useEffect(() => () => latest.current?.(), []);
  useEffect(() => {
    latest.current = undefined;
    if (!isKept) return;
    const save = () => setLost(!drafts.save(key, text === base ? undefined : { text, base }));
    latest.current = save;
    const timer = setTimeout(save, DRAFT_MS);
    addEventListener("pagehide", save);
    return () => {
      clearTimeout(timer);
      removeEventListener("pagehide", save);
    };
  }, [isKept, key, text, base]);
  return isLost && isKept && text !== base;
}

/** Lets the browser ask before it leaves the page while something is kept nowhere. */
function useLeaveWarning(isAsking: boolean): void {
  useEffect(() => {
    if (!isAsking) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, [isAsking]);
}

/** Plans an edit in the worker, again as long as the text changes meanwhile: an edit of a person is never dropped. */
async function planFor({ view }: Pick<TextEditor, "view">, operation: Operation): Promise<Plan> {
  const text = view.state.doc.toString();
  const plan = await machineClient.run("plan", { text, operation });
  return view.state.doc.toString() === text ? plan : planFor({ view }, operation);
}

interface EditsInput {
  readonly opened: RefObject<TextEditor | undefined>;
  readonly readOnly: string | undefined;
  /** Takes the text with an edit that was planned when the editor had been closed. */
  readonly onLate: (text: string) => void;
}

interface Edits extends Pick<OpenDocument, "edit" | "refused" | "clearRefused"> {
  readonly isPlanning: boolean;
  /** Waits until all edits are planned. */
  readonly planned: () => Promise<void>;
}

/** Plans edits and applies them. */
function useEdits({ opened, readOnly, onLate }: EditsInput): Edits {
  const toast = useToast();
  const [refused, setRefused] = useState<OpenDocument["refused"]>();
  const [planning, setPlanning] = useState(0);
  const open = useRef(new Set<Promise<void>>());
  // What a field enters when it goes with its page comes after the editor.
  const last = useRef<TextEditor>(undefined);
  last.current = opened.current ?? last.current;
  const late = useRef(onLate);
  late.current = onLate;
  const edit = useCallback<Edit>(
    (operation, label) => {
      const target = opened.current ?? last.current;
      if (target === undefined || readOnly) return;
      const done = planFor(target, operation).then(
        (plan) => {
          if ("refusal" in plan) setRefused({ refusal: plan.refusal, label });
          else if (opened.current === target) target.apply(plan.changes, label);
          else late.current(target.view.state.update({ changes: plan.changes }).newDoc.toString());
        },
        (error: Error) => toast(error.message, "fail"),
      );
      open.current.add(done);
      setPlanning(open.current.size);
      void done.then(() => {
        open.current.delete(done);
        setPlanning(open.current.size);
      });
    },
    [opened, readOnly, toast],
  );
  const planned = useCallback(async () => {
    await Promise.all(open.current);
  }, []);
  const clearRefused = useCallback(() => setRefused(undefined), []);
  return { edit, refused, clearRefused, isPlanning: planning > 0, planned };
}
