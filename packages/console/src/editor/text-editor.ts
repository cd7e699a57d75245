import { autocompletion, type CompletionSource, completionKeymap } from "@codemirror/autocomplete";
import {
  defaultKeymap,
  history,
  historyKeymap,
  isolateHistory,
  redo,
  redoDepth,
  undo,
  undoDepth,
} from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, foldGutter, foldKeymap, HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, forEachDiagnostic, lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import {
  Annotation,
  EditorState,
  type Extension,
  RangeSetBuilder,
  StateEffect,
  StateField,
  type Transaction,
} from "@codemirror/state";
import {
  Decoration,
  type DecorationSet,
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  hoverTooltip,
  keymap,
  lineNumbers,
  showTooltip,
  type Tooltip,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";
import type { Change, Range } from "../machine/edits/operation.ts";
import { isPhone } from "./phone.ts";

/** A place of the text with what is wrong there. */
export interface TextProblem {
  readonly severity: "error" | "warning";
  readonly code: string;
  readonly message: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
}

/** The callbacks of the text editor. */
export interface TextEditorOptions {
  readonly text: string;
  readonly readOnly: boolean;
  readonly onText: (text: string) => void;
  readonly onCursor: (offset: number) => void;
  readonly onSave: () => void;
  readonly complete: CompletionSource;
  /** Returns an explanation of the word at an offset. */
  readonly explain: (state: EditorState, offset: number) => Explained | undefined;
}

/** An explanation of the word at these offsets. */
interface Explained {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** The text of a machine in CodeMirror. */
export interface TextEditor {
  readonly view: EditorView;
  /** Applies a planned edit as one step of the history, with its name. */
  readonly apply: (changes: readonly Change[], label: string) => void;
  /** Replaces the whole text, as one step. */
  readonly replace: (text: string, label: string) => void;
  readonly setProblems: (problems: readonly TextProblem[]) => void;
  readonly reveal: (range: Range, focus?: boolean) => void;
  /** Marks the lines of these parts as selected, in place of those before. */
  readonly mark: (ranges: readonly Range[]) => void;
  readonly undo: () => void;
  readonly redo: () => void;
  /** Returns the label of the next undo, such as `rename LIVE`; undefined without one. */
  readonly undoLabel: () => string | undefined;
  readonly canRedo: () => boolean;
  readonly destroy: () => void;
}

const Planned = Annotation.define<string>();

// Colors are those of the page, in both themes.
const highlight = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--link)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--healthy)" },
  { tag: [tags.comment, tags.lineComment], color: "var(--muted)", fontStyle: "italic" },
  { tag: [tags.number, tags.bool, tags.null, tags.keyword, tags.atom], color: "var(--waiting)" },
  { tag: [tags.labelName, tags.typeName], color: "var(--late)" },
]);

/** The look of text editors, in both themes of the page. */
export const editorTheme = EditorView.theme({
  "&": { fontSize: "13px", color: "var(--text)", backgroundColor: "var(--surface)" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "20px" },
  ".cm-gutters": { backgroundColor: "var(--surface)", color: "var(--muted)", border: "0" },
  ".cm-line.cm-marked": { backgroundColor: "var(--select)" },
  // A character, as in the rest of the console, in place of a picture.
  ".cm-lint-marker": { content: "normal", width: "1ch", fontWeight: "700", color: "var(--late)" },
  ".cm-lint-marker::before": { content: "'!'" },
  ".cm-lint-marker-error": { content: "normal", color: "var(--failed)" },
  ".cm-lint-marker-warning": { content: "normal" },
  "&:not(.cm-focused) .cm-problem": { display: "none" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--link) 8%, transparent)" },
  ".cm-content": { paddingBlock: "8px", caretColor: "var(--text)" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": {
    background: "color-mix(in srgb, var(--link) 25%, transparent) !important",
  },
  ".cm-selectionMatch": { backgroundColor: "transparent", outline: "1px solid var(--control)" },
  ".cm-tooltip, .cm-panels": {
    backgroundColor: "var(--surface)",
    color: "var(--text)",
    border: "1px solid var(--line)",
  },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "var(--link)", color: "var(--on-ink)" },
  ".cm-fold": {
    display: "inline-block",
    width: "6px",
    height: "6px",
    margin: "0 4px 2px",
    borderRight: "1.5px solid",
    borderBottom: "1.5px solid",
    transform: "rotate(-45deg)",
  },
  ".cm-fold.open": { transform: "rotate(45deg)" },
  ".cm-collapsedLines": { background: "var(--sunken)", color: "var(--muted)" },
  ".cm-hover, .cm-problem": { padding: "4px 8px", maxWidth: "28rem" },
});

/** Opens a text editor in an element. */
export function createTextEditor(parent: HTMLElement, options: TextEditorOptions): TextEditor {
  const labels = new Map<number, string>();
  const view = new EditorView({
    parent,
    state: EditorState.create({ doc: options.text, extensions: toExtensions(options, labels) }),
  });
  const apply = (changes: readonly Change[], label: string) => {
    const [first] = changes;
    if (first === undefined) return;
    view.dispatch({
      changes: [...changes],
      annotations: [Planned.of(label), isolateHistory.of("full")],
      effects: EditorView.scrollIntoView(first.from, { y: "center" }),
    });
  };
  return {
    view,
    apply,
    replace: (text, label) => apply([{ from: 0, to: view.state.doc.length, insert: text }], label),
    setProblems: (problems) => view.dispatch(setDiagnostics(view.state, toDiagnostics(view.state, problems))),
    reveal: ({ from, to }, focus = true) => {
      const end = view.state.doc.length;
      view.dispatch({
        selection: { anchor: Math.min(from, end), head: Math.min(to, end) },
        effects: EditorView.scrollIntoView(Math.min(from, end), { y: "center" }),
      });
      if (focus) view.focus();
    },
    mark: (ranges) => view.dispatch({ effects: MarkParts.of(ranges) }),
    undo: () => undo(view),
    redo: () => redo(view),
    undoLabel: () => {
      const depth = undoDepth(view.state);
      return depth === 0 ? undefined : (labels.get(depth) ?? "typing");
    },
    canRedo: () => redoDepth(view.state) > 0,
    destroy: () => view.destroy(),
  };
}

/** Allows the style elements of CodeMirror by the nonce of the page's content security policy. */
export function allowStyles(): Extension {
  const nonce = document.querySelector<HTMLElement>('meta[property="csp-nonce"]')?.nonce;
  return nonce === undefined ? [] : EditorView.cspNonce.of(nonce);
}

/** Draws a fold mark: CodeMirror's own are characters that not every font has. */
function drawFoldMark(open: boolean): HTMLElement {
  const mark = document.createElement("span");
  mark.className = open ? "cm-fold open" : "cm-fold";
  mark.title = open ? "Fold" : "Unfold";
  return mark;
}

const MarkParts = StateEffect.define<readonly Range[]>();
const markedLine = Decoration.line({ class: "cm-marked" });

/** The lines of the selected parts. */
const markedLines = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update: (lines, transaction) => {
    const found = transaction.effects.findLast((effect) => effect.is(MarkParts));
    return found === undefined ? lines.map(transaction.changes) : toMarkedLines(transaction.state, found.value);
  },
  provide: (field) => EditorView.decorations.from(field),
});

function toMarkedLines({ doc }: EditorState, ranges: readonly Range[]): DecorationSet {
  const starts = ranges.flatMap(({ from, to }) => {
    const first = doc.lineAt(Math.min(from, doc.length)).number;
    // The range of a block reaches to the next one.
    const text = doc.sliceString(from, to).trimEnd();
    const last = doc.lineAt(Math.min(from + text.length, doc.length)).number;
    return Array.from({ length: last - first + 1 }, (_, index) => doc.line(first + index).from);
  });
  const builder = new RangeSetBuilder<Decoration>();
  for (const start of [...new Set(starts)].sort((a, b) => a - b)) builder.add(start, start, markedLine);
  return builder.finish();
}

/** The sentence of the problem at the cursor, as its mark in the margin shows it under the pointer. */
const problemAtCursor = StateField.define<Tooltip | null>({
  create: () => null,
  update: (shown, { selection, docChanged, effects, state }) =>
    selection !== undefined || docChanged || effects.length > 0 ? findProblem(state) : shown,
  provide: (field) => showTooltip.from(field),
});

function findProblem(state: EditorState): Tooltip | null {
  const { head } = state.selection.main;
  const found: { readonly from: number; readonly message: string }[] = [];
  forEachDiagnostic(state, ({ message }, from, to) => {
    if (from <= head && head <= to) found.push({ from, message });
  });
  const [first] = found;
  if (first === undefined) return null;
  return {
    pos: first.from,
    create: () => {
      const dom = document.createElement("div");
      dom.className = "cm-problem";
      dom.textContent = found.map(({ message }) => message).join("\n");
      return { dom };
    },
  };
}

function toExtensions(options: TextEditorOptions, labels: Map<number, string>): Extension {
  return [
    lintGutter(),
    lineNumbers(),
    foldGutter({ markerDOM: drawFoldMark }),
    markedLines,
    problemAtCursor,
    highlightActiveLine(),
    highlightActiveLineGutter(),
    highlightSelectionMatches(),
    history(),
    drawSelection(),
    bracketMatching(),
    isPhone() ? EditorView.lineWrapping : [],
    yaml(),
    syntaxHighlighting(highlight),
    editorTheme,
    allowStyles(),
    EditorState.readOnly.of(options.readOnly),
    EditorView.contentAttributes.of({ "aria-label": "Machine as text", tabindex: "0", spellcheck: "false" }),
    autocompletion({ override: [options.complete] }),
    hoverTooltip((view, offset) => toTooltip(options.explain(view.state, offset))),
    keymap.of([
      {
        key: "Mod-s",
        run: () => {
          options.onSave();
          return true;
        },
      },
      ...completionKeymap,
      ...lintKeymap,
      ...searchKeymap,
      ...foldKeymap,
      ...historyKeymap,
      ...defaultKeymap,
    ]),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) {
        rememberLabel(labels, update.transactions, update.state);
        options.onText(update.state.doc.toString());
      }
      if (update.selectionSet || update.docChanged) options.onCursor(update.state.selection.main.head);
    }),
  ];
}

function rememberLabel(labels: Map<number, string>, transactions: readonly Transaction[], state: EditorState): void {
  for (const transaction of transactions) {
    const label = transaction.annotation(Planned);
    if (label !== undefined) labels.set(undoDepth(state), label);
    else if (!transaction.isUserEvent("undo") && !transaction.isUserEvent("redo")) labels.delete(undoDepth(state));
  }
}

function toDiagnostics(state: EditorState, problems: readonly TextProblem[]): Diagnostic[] {
  return problems.map(({ severity, code, message, line, column }) => {
    const { from, to } = toRange(state, line, column);
    return { from, to, severity, message, source: code };
  });
}

/** Returns the word at a place, or the rest of its line. */
export function toRange({ doc }: EditorState, line: number, column: number): Range {
  const found = doc.line(Math.min(Math.max(line, 1), doc.lines));
  const from = Math.min(found.from + column - 1, found.to);
  const word = /^["']?[\w$.<>-]+["']?/.exec(found.text.slice(from - found.from));
  return { from, to: Math.min(found.to, from + Math.max(1, word?.[0].length ?? 1)) };
}

function toTooltip(explained: Explained | undefined) {
  if (explained === undefined) return null;
  return {
    pos: explained.from,
    end: explained.to,
    above: true,
    create: () => {
      const dom = document.createElement("div");
      dom.className = "cm-hover";
      dom.textContent = explained.text;
      return { dom };
    },
  };
}
