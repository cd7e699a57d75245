import type { Problem } from "@stackyard/core/machine";
import { createContext, type ReactNode, useContext, useId, useState } from "react";
import { Button } from "../design/button.tsx";
import { IconButton } from "../design/icon-button.tsx";
import { Text } from "../design/text.tsx";
import type { Path, Plain } from "../machine/edits/operation.ts";
import type { JsonSchema } from "../machine/messages.ts";
import { toSafeText } from "../text/safe-text.ts";
import type { Edit } from "./edit.ts";
import { EntryControl, isEntry } from "./entry-control.tsx";
import {
  fitsPattern,
  listFields,
  matchShape,
  type SchemaField,
  type Shape,
  toKeyLabel,
  toShapes,
} from "./schema-field.ts";
import "./schema-form.css";

/** What all fields of a document share. */
export interface FormScope {
  readonly edit: Edit;
  /** Of the whole document. */
  readonly problems: readonly Problem[];
  /** Returns the names of the document that a value at this path can be. */
  readonly namesAt: (path: Path) => readonly string[];
}

const Scope = createContext<FormScope>({ edit: () => {}, problems: [], namesAt: () => [] });

/** Gives the fields inside it what they share. */
export const FormScopeProvider = Scope.Provider;

interface ValueProps {
  /** The schema that references are looked up in. */
  readonly root: JsonSchema;
  /** The keys that lead to the value from the root of the document. */
  readonly path: Path;
  /** What the value belongs to: `app`, `retry of app`. */
  readonly owner: string;
  /** The end of labels: ` of app`; nothing where the form as a whole says what it belongs to. */
  readonly of: string;
  readonly value: Plain | undefined;
}

interface FieldsProps extends ValueProps {
  /** Of the map: one of them describes it. */
  readonly schemas: readonly JsonSchema[];
  /** Keys that have a form of their own. */
  readonly without?: readonly string[];
}

/** Renders the keys of a map that its schema has as a form, with what the check of the machine says about each. */
export function SchemaFields({ schemas, root, path, owner, of, value, without = [] }: FieldsProps) {
  if (schemas.length === 0) return null;
  const fields = listFields(schemas, value, root);
  const known = new Set([...fields.map(({ key }) => key), ...without]);
  const shown = fields.filter(({ key }) => !without.includes(key));
  const others = Object.keys(toMap(value)).filter((key) => !known.has(key) && !isNamed(schemas, key));
  return (
    <>
      {shown.map((field) => (
        <Field
          key={field.key}
          field={field}
          root={root}
          path={[...path, field.key]}
          owner={owner}
          of={of}
          value={toMap(value)[field.key]}
        />
      ))}
      {others.map((key) => (
        <UnknownKey key={key} name={key} path={[...path, key]} owner={owner} value={toMap(value)[key]} />
      ))}
    </>
  );
}

function toMap(value: Plain | undefined): { readonly [key: string]: Plain | undefined } {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as { [key: string]: Plain })
    : {};
}

/** Returns true for a key that fits a pattern of a schema, such as those of users that begin with `x-`. */
function isNamed(schemas: readonly JsonSchema[], key: string): boolean {
  return schemas.some(({ patternProperties = {} }) =>
    Object.keys(patternProperties).some((pattern) => fitsPattern(pattern, key)),
  );
}

interface FieldProps extends ValueProps {
  readonly field: SchemaField;
}

/** Renders one value of a document by its schema. */
export function Field(props: FieldProps) {
  const { field, root, value, path } = props;
  const { edit } = useContext(Scope);
  const shapes = toShapes(field.schema, root);
  const [chosen, setChosen] = useState<Shape["kind"]>();
  const shape =
    value === undefined ? (shapes.find(({ kind }) => kind === chosen) ?? shapes[0]) : matchShape(shapes, value);
  if (shape === undefined) return null;
  const choose = (kind: Shape["kind"]) => {
    setChosen(kind);
    if (value !== undefined) edit({ kind: "set-value", path, value: undefined }, `${field.key} of ${props.owner}`);
  };
  const kinds = shapes.length > 1 && <Kinds {...props} shapes={shapes} shown={shape.kind} onChoose={choose} />;
  if (isEntry(shape)) return <EntryField {...props} shape={shape} kinds={kinds} />;
  return <Collection {...props} shape={shape} kinds={kinds} />;
}

const KIND_WORDS: Readonly<Record<Shape["kind"], string>> = {
  flag: "true or false",
  choice: "choice",
  scalar: "text",
  list: "list",
  map: "map",
  group: "map",
  any: "JSON",
};

interface KindsProps extends FieldProps {
  readonly shapes: readonly Shape[];
  readonly shown: Shape["kind"];
  readonly onChoose: (kind: Shape["kind"]) => void;
}

/** Renders which of several kinds of values a field has. */
function Kinds({ field, of, shapes, shown, onChoose }: KindsProps) {
  return (
    <select
      className="input"
      aria-label={`Kind of ${field.label}${of}`}
      value={shown}
      onChange={({ target }) => {
        const found = shapes.find(({ kind }) => kind === target.value);
        if (found !== undefined) onChoose(found.kind);
      }}
    >
      {shapes.map(({ kind }) => (
        <option key={kind} value={kind}>
          {KIND_WORDS[kind]}
        </option>
      ))}
    </select>
  );
}

function EntryField(props: FieldProps & { readonly shape: Extract<Shape, Entered>; readonly kinds: ReactNode }) {
  const { field, path, owner, of, value, shape, kinds } = props;
  const { edit, namesAt } = useContext(Scope);
  const messages = useProblems(path, "inside");
  const help = useId();
  return (
    <div className="schema-field">
      <EntryControl
        field={field}
        shape={shape}
        label={`${field.label}${of}`}
        value={value}
        names={namesAt(path)}
        describedBy={help}
        isInvalid={messages.length > 0}
        onEnter={(entered) => edit({ kind: "set-value", path, value: entered }, `${field.key} of ${owner}`)}
      />
      {kinds}
      <div id={help}>
        {field.help !== "" && <p className="muted">{field.help}</p>}
        <Messages problems={messages} />
      </div>
    </div>
  );
}

type Entered = { readonly kind: "flag" | "choice" | "scalar" | "any" };

/** What the check of the machine says about a value: only about itself, or also about what is inside it. */
function useProblems(path: Path, part: "own" | "inside"): readonly Problem[] {
  const { problems } = useContext(Scope);
  const at = path.join(".");
  return problems.filter((each) => each.path === at || (part === "inside" && each.path.startsWith(`${at}.`)));
}

function Messages({ problems }: { problems: readonly Problem[] }) {
  return problems.map(({ code, message, severity }) => (
    <p key={`${code} ${message}`} className={severity === "error" ? "tone-fail" : "tone-warn"}>
      <Text>{message}</Text> <span className="mono">{code}</span>
    </p>
  ));
}

type CollectionShape = Exclude<Shape, Entered>;

function Collection(props: FieldProps & { readonly shape: CollectionShape; readonly kinds: ReactNode }) {
  const { field, path, owner, of, value, shape, kinds } = props;
  const [isOpen, setOpen] = useState(value !== undefined || (field.isRequired && path.length < MOST_NESTED));
  const messages = useProblems(path, "own");
  const inner = { root: props.root, path, owner: `${field.key} of ${owner}`, of: ` of ${field.key}${of}`, value };
  return (
    <details className="schema-group" open={isOpen} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>
        {toSafeText(field.label)}
        {field.isRequired && " *"}
        {of !== "" && <span className="muted">{toSafeText(of)}</span>}
      </summary>
      {isOpen && (
        <div className="schema-fields">
          {field.help !== "" && <p className="muted">{field.help}</p>}
          <Messages problems={messages} />
          {kinds}
          {shape.kind === "group" && <SchemaFields {...inner} schemas={shape.schemas} />}
          {shape.kind === "list" && <Items {...inner} schema={shape.item} />}
          {shape.kind === "map" && <Entries {...inner} schema={shape.entry} />}
        </div>
      )}
    </details>
  );
}

/** A schema that refers to itself is opened by the reader from here on. */
const MOST_NESTED = 12;

interface MembersProps extends ValueProps {
  /** Of each member. */
  readonly schema: JsonSchema;
}

function Items({ schema, root, path, owner, of, value }: MembersProps) {
  const { edit } = useContext(Scope);
  const items = Array.isArray(value) ? (value as readonly Plain[]) : [];
  return (
    <>
      {items.map((item, index) => (
        <Member
          // biome-ignore lint/suspicious/noArrayIndexKey: an item is its place in the list
          key={index}
          name={String(index + 1)}
          schema={schema}
          root={root}
          path={[...path, index]}
          owner={owner}
          of={of}
          value={item}
        />
      ))}
      <NewMember
        key={items.length}
        name={String(items.length + 1)}
        schema={schema}
        root={root}
        path={[...path, items.length]}
        owner={owner}
        of={of}
        onAdd={(added) => edit({ kind: "set-value", path: [...path, items.length], value: added }, `entry of ${owner}`)}
      />
    </>
  );
}

function Entries({ schema, root, path, owner, of, value }: MembersProps) {
  const { edit } = useContext(Scope);
  const [name, setName] = useState("");
  const add = () => {
    const [shape] = toShapes(schema, root);
    if (name === "" || Object.hasOwn(toMap(value), name)) return;
    edit({ kind: "set-value", path: [...path, name], value: toEmpty(shape) }, `${name} of ${owner}`);
    setName("");
  };
  return (
    <>
      {Object.entries(toMap(value)).map(([key, entry]) => (
        <Member
          key={key}
          name={key}
          schema={schema}
          root={root}
          path={[...path, key]}
          owner={owner}
          of={of}
          value={entry}
        />
      ))}
      <div className="row">
        <input
          className="input"
          aria-label={`New key of ${owner}`}
          placeholder="key"
          value={name}
          spellCheck={false}
          onChange={({ target }) => setName(target.value)}
          onKeyDown={({ key }) => key === "Enter" && add()}
        />
        <Button onPress={add} label={`Add key to ${owner}`}>
          Add
        </Button>
      </div>
    </>
  );
}

function toEmpty(shape: Shape | undefined): Plain {
  if (shape?.kind === "list") return [];
  if (shape?.kind === "map" || shape?.kind === "group") return {};
  return shape?.kind === "flag" ? false : "";
}

interface MemberProps extends ValueProps {
  /** Its key, or its place from 1. */
  readonly name: string;
  readonly schema: JsonSchema;
}

function Member({ name, schema, root, path, owner, of, value }: MemberProps) {
  const { edit } = useContext(Scope);
  return (
    <div className="schema-member">
      <Field field={toMember(name, schema)} root={root} path={path} owner={owner} of={of} value={value} />
      <IconButton
        icon="remove"
        label={`Remove ${name} of ${owner}`}
        onPress={() => edit({ kind: "set-value", path, value: undefined }, `${name} of ${owner}`)}
      />
    </div>
  );
}

function toMember(name: string, schema: JsonSchema): SchemaField {
  return { key: name, label: schema.title ?? name, help: "", schema, isRequired: false };
}

interface NewMemberProps extends Omit<MemberProps, "value"> {
  readonly onAdd: (value: Plain) => void;
}

/** Renders how a list gets another entry: a field, or for maps and lists a button. */
function NewMember({ name, schema, root, path, owner, of, onAdd }: NewMemberProps) {
  const [shape] = toShapes(schema, root);
  if (shape === undefined || shape.kind === "flag" || !isEntry(shape)) {
    return (
      <Button onPress={() => onAdd(toEmpty(shape))} label={`Add entry to ${owner}`}>
        Add
      </Button>
    );
  }
  return (
    <Field
      field={{ ...toMember(name, schema), label: "New entry" }}
      root={root}
      path={path}
      owner={owner}
      of={of}
      value={undefined}
    />
  );
}

interface UnknownProps {
  readonly name: string;
  readonly path: Path;
  readonly owner: string;
  readonly value: Plain | undefined;
}

/** Renders a key that no schema has: it stays until the author removes it. */
function UnknownKey({ name, path, owner, value }: UnknownProps) {
  const { edit } = useContext(Scope);
  const messages = useProblems(path, "inside");
  return (
    <div className="schema-field">
      <span className="row">
        <span>{toSafeText(toKeyLabel(name))}</span>
        <Text mono>{JSON.stringify(value).slice(0, 200)}</Text>
        <IconButton
          icon="remove"
          label={`Remove ${name} of ${owner}`}
          onPress={() => edit({ kind: "set-value", path, value: undefined }, `${name} of ${owner}`)}
        />
      </span>
      <Messages problems={messages} />
    </div>
  );
}
