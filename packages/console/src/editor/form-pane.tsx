import { useMemo } from "react";
import { Skeleton } from "../design/page.tsx";
import type { Path, Range } from "../machine/edits/operation.ts";
import type { JsonSchema } from "../machine/messages.ts";
import type { Outline } from "../machine/outline.ts";
import type { MachineState } from "../machine/use-machine.ts";
import { listKeyNames, listNames } from "./completion.ts";
import { type FormScope, FormScopeProvider } from "./form-scope.tsx";
import { Inspector } from "./inspector.tsx";
import type { EditorKnowledge } from "./knowledge.ts";
import type { FormSchemas } from "./part-form.tsx";
import { toSelectionKey } from "./selection.ts";
import type { Session } from "./session.ts";
import type { OpenDocument } from "./use-document.ts";
import type { EditorView } from "./use-view.ts";

interface FormPaneProps {
  readonly session: Session;
  readonly document: OpenDocument;
  readonly knowledge: EditorKnowledge;
  readonly view: EditorView;
  /** Shows a part of the text. */
  readonly onReveal: (range: Range) => void;
}

/** Renders the fields of the selected part. Without one, and in a document that cannot be changed here, there are none. */
export function FormPane({ session, document, knowledge, view, onReveal }: FormPaneProps) {
  const { machine, text } = document;
  const outline = machine.outline ?? machine.valid?.outline;
  const scope = useScope({ machine, outline, executors: knowledge.executors, edit: view.edit });
  const { selection, select, setOpened } = view;
  if (selection === undefined || session.readOnly !== undefined || text === "") return null;
  if (outline === undefined) return machine.text === text || machine.failure ? null : <Skeleton height={160} />;
  const schemas = toFormSchemas(knowledge);
  // The reason is written above.
  if (schemas === undefined) return knowledge.failure === undefined ? <Skeleton height={160} /> : null;
  return (
    <FormScopeProvider value={scope}>
      <Inspector
        key={toSelectionKey(selection)}
        outline={outline}
        selection={selection}
        schemas={schemas}
        edit={view.edit}
        onReveal={onReveal}
        onRename={(what, name) => setOpened({ kind: "rename", what, name })}
        onRemove={(what, name) => setOpened({ kind: "remove", what, name })}
        onClose={() => select(undefined)}
      />
    </FormScopeProvider>
  );
}

/** Returns the schemas for forms. Without its executor's, the config of a task is a map of anything. */
function toFormSchemas({ schemas, executors, failure }: EditorKnowledge): FormSchemas | undefined {
  const known = executors ?? (failure === undefined ? undefined : []);
  return schemas === undefined || known === undefined ? undefined : { own: schemas, executors: known };
}

/** Returns the schema of a value in `set` of a reaction by the rule of its metadata key; a text can be an expression. */
function findMetadataSchema(outline: Outline | undefined, path: Path): JsonSchema | undefined {
  if (path[2] !== "on" || path.at(-2) !== "set") return undefined;
  const rule = outline?.metadata.find(({ name }) => name === path.at(-1))?.rule;
  const type = typeof rule === "object" && rule !== null && "type" in rule ? rule.type : undefined;
  return type === undefined ? undefined : { type: [String(type), "string"] };
}

interface ScopeInput extends Pick<FormScope, "edit"> {
  readonly machine: MachineState;
  readonly outline: Outline | undefined;
  readonly executors: EditorKnowledge["executors"];
}

function useScope({ machine: { problems }, outline, executors, edit }: ScopeInput): FormScope {
  return useMemo(() => {
    const names = executors?.map(({ name }) => name) ?? [];
    const namesAt: FormScope["namesAt"] = (path) => {
      if (outline === undefined) return [];
      return path.length === 3 && path[2] === "executor" ? names : listNames(outline, path);
    };
    const keysAt: FormScope["keysAt"] = (path) => (outline === undefined ? [] : listKeyNames(outline, path));
    const schemaAt: FormScope["schemaAt"] = (path) => findMetadataSchema(outline, path);
    return { edit, problems: problems ?? [], namesAt, keysAt, schemaAt };
  }, [edit, problems, outline, executors]);
}
