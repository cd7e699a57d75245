import { defined } from "@stackyard/core";
import { IconButton } from "../design/icon-button.tsx";
import type { Path, Plain } from "../machine/edits/operation.ts";
import type { JsonSchema, KnownExecutor, MachineSchemas } from "../machine/messages.ts";
import type { Outline, OutlineTask } from "../machine/outline.ts";
import { findSchemas } from "./completion.ts";
import { toKeyField } from "./schema-field.ts";
import { Field, SchemaFields } from "./schema-form.tsx";

/** The schemas that the forms of a machine are made from. */
export interface FormSchemas {
  readonly own: MachineSchemas;
  /** Those of the yard, or, without one, of this project. */
  readonly executors: readonly KnownExecutor[];
}

interface PartProps {
  readonly schemas: FormSchemas;
  readonly outline: Outline;
  /** The keys that lead to the part from the root of the document. */
  readonly path: Path;
  /** The name of the part. */
  readonly owner: string;
  /** The end of labels. Default: ` of ` and the owner. */
  readonly of?: string;
  /** Keys that have a form of their own. */
  readonly without?: readonly string[];
  /** The only keys. Default: all. */
  readonly only?: readonly string[];
}

/** Renders a part of a machine by the schema of machines. */
export function PartForm({ schemas: { own }, outline, path, owner, of = ` of ${owner}`, without, only }: PartProps) {
  const root = outline.version === 1 ? own.v1 : own.v2;
  const keys = path.filter((key) => typeof key === "string");
  const maps = findSchemas(root, keys).filter(({ properties }) => properties !== undefined);
  return (
    <SchemaFields
      schemas={maps}
      root={root}
      path={path}
      owner={owner}
      of={of}
      value={findValue(outline.value, path)}
      {...defined({ without, only })}
    />
  );
}

/** Returns a value inside another one. */
function findValue(value: Plain | undefined, path: Path): Plain | undefined {
  return path.reduce<Plain | undefined>((seen, key) => {
    if (typeof seen !== "object" || seen === null) return undefined;
    return Object.hasOwn(seen, key) ? (seen as { readonly [key: string]: Plain })[key] : undefined;
  }, value);
}

interface TaskProps extends Pick<PartProps, "schemas" | "outline"> {
  readonly task: OutlineTask;
}

/** Renders a task: its keys by the schema of machines, its config by that of its executor. */
export function TaskForm({ schemas, outline, task }: TaskProps) {
  const { name } = task;
  const path = ["tasks", name];
  const config = findConfigSchema(schemas.executors, task, outline.version);
  return (
    <div className="schema-fields">
      <PartForm schemas={schemas} outline={outline} path={path} owner={name} {...(config && { without: ["config"] })} />
      {config && (
        <Field
          key={task.executor}
          field={toKeyField("config", config)}
          root={config}
          path={[...path, "config"]}
          owner={name}
          of={` of ${name}`}
          value={findValue(outline.value, [...path, "config"])}
        />
      )}
    </div>
  );
}

function findConfigSchema(
  executors: readonly KnownExecutor[],
  { executor }: OutlineTask,
  version: Outline["version"],
): JsonSchema | undefined {
  const known = executors.find(({ name }) => name === executor);
  return known?.documents?.[version === 1 ? "v1" : "v2"] ?? known?.config;
}

interface ToggleProps {
  readonly name: string;
  readonly isOpen: boolean;
  readonly onPress: () => void;
}

/** Renders the button that opens the form of a named part. */
export function FormToggle({ name, isOpen, onPress }: ToggleProps) {
  return <IconButton icon="more" label={`Fields of ${name}`} pressed={isOpen} onPress={onPress} />;
}
