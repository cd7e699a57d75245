import type { Problem } from "@stackyard/core/machine";
import type { ReactNode } from "react";
import { Button } from "../design/button.tsx";
import { CopyButton } from "../design/copy-button.tsx";
import { Icon } from "../design/icon.tsx";
import { Pill } from "../design/mark.tsx";
import { Menu } from "../design/menu.tsx";
import { saveFile } from "../design/save-file.ts";
import { useToast } from "../design/toasts.tsx";
import { machineClient } from "../machine/machine-client.ts";
import { toSafeText } from "../text/safe-text.ts";
import { countChanges } from "./count-changes.ts";
import { isPhone } from "./phone.ts";
import { toCount } from "./problems.tsx";
import { createTemplateSession, type Session, toRaw } from "./session.ts";
import type { OpenDocument } from "./use-document.ts";
import { useOpenFile } from "./use-open-file.ts";
import type { Saving } from "./use-save.tsx";
import type { EditorView, Panes } from "./use-view.ts";
import "./toolbar.css";

interface ToolbarProps {
  readonly session: Session;
  readonly document: OpenDocument;
  /** Undefined while they are not known. */
  readonly problems: readonly Problem[] | undefined;
  readonly saving: Saving;
  readonly onOpen: (session: Session) => void;
  readonly openers: ReactNode;
  readonly view: EditorView;
  /** What the head says and offers of a simulation, while one is shown. */
  readonly simulation: { readonly sentence: ReactNode; readonly actions: ReactNode } | undefined;
}

/** Renders the head of the editor: the machine, the state that its document is in, and what can be done with it. */
export function Toolbar(props: ToolbarProps) {
  const { session, document, problems, view, simulation } = props;
  const { editor, undoLabel, canRedo, machine } = document;
  const { selection, select } = view;
  return (
    <div className="editor-head">
      <div className="editor-name">
        <h1>
          <button
            type="button"
            title={`Fields of ${toSafeText(session.file)}`}
            aria-pressed={selection?.kind === "machine"}
            onClick={() => select(selection?.kind === "machine" ? undefined : { kind: "machine" })}
          >
            {toSafeText(session.file.replace(/\.(?:ya?ml|json)$/i, ""))}
          </button>
        </h1>
        <Condition document={document} problems={problems} />
        <span className="muted small">{simulation?.sentence ?? describeSaving(props)}</span>
      </div>
      <div className="row editor-actions">
        <span className="joined">
          <Button
            label={undoLabel === undefined ? "Undo" : `Undo ${undoLabel}`}
            idle={undoLabel === undefined ? "Nothing to undo" : undefined}
            onPress={() => editor?.undo()}
          >
            <Icon name="undo" />
          </Button>
          <Button label="Redo" idle={canRedo ? undefined : "Nothing to redo"} onPress={() => editor?.redo()}>
            <Icon name="redo" />
          </Button>
        </span>
        <PaneButtons view={view} />
        {machine.outline?.version === 1 && <UpgradeButton session={session} document={document} />}
        {simulation?.actions ?? <DocumentActions {...props} />}
        <MoreActions {...props} />
      </div>
    </div>
  );
}

/** Renders the state of the document; nothing while it is not known. */
function Condition({ document, problems }: Pick<ToolbarProps, "document" | "problems">) {
  if (problems === undefined || document.text === "") return null;
  const errors = problems.filter(({ severity }) => severity === "error").length;
  return errors === 0 ? (
    <Pill status="healthy" word="Valid" />
  ) : (
    <Pill status="failed" word={toCount(problems.length, "problem")} />
  );
}

function describeSaving({ session, document: { text, base, isChanging } }: ToolbarProps): string {
  if (session.readOnly !== undefined) return `Read only. ${toSafeText(session.readOnly)}.`;
  const { places } = countChanges(base, text);
  if (places > 0) return `${toCount(places, "change")}, not saved`;
  return isChanging ? "1 change, not saved" : "";
}

const PANES: readonly (readonly [Panes, string])[] = [
  ["text", "Text"],
  ["split", "Split"],
  ["graph", "Graph"],
];
const LEFT_WORDS = { text: "Text", diff: "Text", simulation: "Steps" } as const;

function PaneButtons({ view: { mode, panes, setPanes } }: { view: EditorView }) {
  // A phone has room for one of them.
  const offered = PANES.filter(([pane]) => pane !== "split" || !isPhone());
  return (
    <fieldset className="segments" aria-label="View">
      {offered.map(([pane, title]) => (
        <button key={pane} type="button" aria-pressed={panes === pane} onClick={() => setPanes(pane)}>
          {pane === "text" ? LEFT_WORDS[mode] : title}
        </button>
      ))}
    </fieldset>
  );
}

function DocumentActions({ session, document, saving, view }: ToolbarProps) {
  return (
    <>
      <Button onPress={() => view.setMode("simulation")}>
        <Icon name="play" size={14} /> Simulate
      </Button>
      {session.home === undefined ? (
        <DownloadButton session={session} document={document} look="primary" />
      ) : (
        <Button look="primary" refusal={saving.refusal} onPress={saving.save}>
          {toSafeText(session.home.title)}
        </Button>
      )}
    </>
  );
}

interface DownloadProps extends Pick<ToolbarProps, "session" | "document"> {
  readonly look?: "primary";
}

function DownloadButton({ session, document, look }: DownloadProps) {
  return (
    <Button
      {...(look && document.text !== "" && { look })}
      onPress={async () => saveFile(new Blob([toRaw(session, await document.settle())]), session.file)}
    >
      Download
    </Button>
  );
}

function MoreActions({ session, document, onOpen, openers, view }: ToolbarProps) {
  const { asTable, setAsTable, moved, move, setOpened } = view;
  return (
    <Menu label="More actions" face={<Icon name="more" />}>
      {(close) => {
        const item = (title: string, act: () => void) => (
          <Button
            look="plain"
            onPress={() => {
              close();
              act();
            }}
          >
            {title}
          </Button>
        );
        return (
          <>
            {openers}
            <OpenFile onOpen={onOpen} />
            {item("Template", () => onOpen(createTemplateSession()))}
            <hr />
            <CopyButton look="plain" text={toRaw(session, document.text)} />
            {session.home !== undefined && <DownloadButton session={session} document={document} />}
            {item("Export", () => setOpened("export"))}
            <hr />
            {item(asTable ? "Graph" : "Table", () => setAsTable(!asTable))}
            {moved.size > 0 && item("Reset layout", () => move(new Map()))}
            {item("Help", () => setOpened("help"))}
          </>
        );
      }}
    </Menu>
  );
}

function OpenFile({ onOpen }: { onOpen: (session: Session) => void }) {
  const open = useOpenFile(onOpen);
  return (
    <label className="button plain">
      Open file
      <input
        type="file"
        accept=".yaml,.yml,.json,.jsonl"
        className="hidden-visually"
        onChange={({ target }) => {
          const [file] = target.files ?? [];
          if (file !== undefined) open(file);
        }}
      />
    </label>
  );
}

function UpgradeButton({ session, document: { editor, text } }: Pick<ToolbarProps, "session" | "document">) {
  const toast = useToast();
  const upgrade = async () => {
    try {
      const { text: upgraded, problems } = await machineClient.run("upgrade", { name: session.name, text });
      if (upgraded !== undefined) editor?.replace(upgraded, "upgrade to version 2");
      const [first] = problems;
      if (first !== undefined) toast(`Line ${first.line}: ${first.message}`, upgraded === undefined ? "fail" : "warn");
      else toast("Upgraded to version 2. Diff shows what has changed.");
    } catch (error) {
      toast(error instanceof Error ? error.message : String(error), "fail");
    }
  };
  return (
    <Button refusal={session.readOnly} onPress={upgrade}>
      Upgrade to version 2
    </Button>
  );
}
