import { cutText } from "@stackyard/core";
import { type ReactNode, useContext, useEffect, useId, useRef, useState } from "react";
import { Button } from "../design/button.tsx";
import { Offers } from "../design/fields.tsx";
import { IconButton } from "../design/icon-button.tsx";
import { isEnter } from "../design/keys.ts";
import { Text } from "../design/text.tsx";
import type { Path, Plain } from "../machine/edits/operation.ts";
import type { JsonSchema } from "../machine/messages.ts";
import { toSafeText } from "../text/safe-text.ts";
import { EntryControl, isEntry } from "./entry-control.tsx";
import { Messages, Scope, useProblems, type ValueProps } from "./form-scope.tsx";
import { KeyChoiceField, useKeyChoice } from "./key-choice.tsx";
import {
  findKeyChoice,
  fitsPattern,
  listFields,
  matchShape,
  type SchemaField,
  type Shape,
  toEmpty,
  toKeyLabel,
  toMap,
  toShapes,
} from "./schema-field.ts";
import "./schema-form.css";

interface FieldsProps extends ValueProps {
  /** The schemas of the map: one of them describes it. */
  readonly schemas: readonly JsonSchema[];
  /** Keys that have a form of their own. */
  readonly without?: readonly string[];
  /** The only keys. Default: all. */
  readonly only?: readonly string[];
}

/** Renders the keys of a map that its schema has as a form, with what the check of the machine says about each. */
export function SchemaFields({ schemas, root, path, owner, of, value, without = [], only }: FieldsProps) {
  const map = toMap(value);
  const keys = findKeyChoice(schemas);
  const choice = useKeyChoice(schemas, keys, map);
  if (schemas.length === 0) return null;
  const fields = listFields(schemas, value, root);
  const known = new Set([...fields.map(({ key }) => key), ...without]);
  const isHere = (key: string) => !without.includes(key) && (only?.includes(key) ?? true);
  const shown = fields.filter(({ key }) => isHere(key) && !choice.hidden.has(key));
  const others = Object.keys(map).filter((key) => isHere(key) && !known.has(key) && !isNamed(schemas, key));
  const shared = { root, owner, of };
  return (
    <>
      {keys.some(isHere) && (
        <KeyChoiceField
          {...shared}
          schemas={schemas}
          fields={fields.filter(({ key }) => keys.includes(key))}
          path={path}
          value={value}
          choice={choice}
        />
      )}
      {shown.map((field) => (
        <Field
          key={field.key}
          {...shared}
          field={keys.includes(field.key) ? { ...field, isRequired: true } : field}
          path={[...path, field.key]}
          value={map[field.key]}
          {...(field.key === choice.chosen && { instead: choice.instead })}
        />
      ))}
      {others.map((key) => (
        <UnknownKey key={key} name={key} path={[...path, key]} owner={owner} value={map[key]} />
      ))}
    </>
  );
}

/** Returns true for a key that fits a pattern of a schema, such as those of users that begin with `x-`. */
function isNamed(schemas: readonly JsonSchema[], key: string): boolean {
  return schemas.some(({ patternProperties = {} }) =>
    Object.keys(patternProperties).some((pattern) => fitsPattern(pattern, key)),
  );
}

interface FieldProps extends ValueProps {
  readonly field: SchemaField;
  /** Keys of the same map that a value takes the place of. */
  readonly instead?: readonly string[];
  /** It was just added by the user. */
  readonly isNew?: boolean;
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
  const { field, path, owner, of, value, shape, kinds, instead = [] } = props;
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
        onEnter={(entered) =>
          edit(
            entered === undefined || instead.length === 0
              ? { kind: "set-value", path, value: entered }
              : { kind: "choose-key", path, value: entered, instead },
            `${field.key} of ${owner}`,
          )
        }
      />
      {kinds}
      <div id={help}>
        {field.help !== "" && (
          <p className="schema-help muted">
            <span title={field.help}>{field.help}</span>
          </p>
        )}
        <Messages problems={messages} />
      </div>
    </div>
  );
}

type Entered = { readonly kind: "flag" | "choice" | "scalar" | "any" };

type CollectionShape = Exclude<Shape, Entered>;

function Collection(props: FieldProps & { readonly shape: CollectionShape; readonly kinds: ReactNode }) {
  const { field, path, owner, of, value, shape, kinds } = props;
  const [isOpen, setOpen] = useState(
    value !== undefined || props.isNew || (field.isRequired && path.length < MOST_NESTED),
  );
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
  /** The schema of each member. */
  readonly schema: JsonSchema;
}

function Items({ schema, root, path, owner, of, value }: MembersProps) {
  const { edit } = useContext(Scope);
  // The place of an item that is being entered: it is written with its first value.
  const [added, setAdded] = useState<number>();
  const items = Array.isArray(value) ? (value as readonly Plain[]) : [];
  const isAdding = added === items.length;
  const shared = { schema, root, owner, of };
  const next = [...path, items.length];
  const [shape] = toShapes(schema, root);
  const isEntered = shape !== undefined && shape.kind !== "flag" && isEntry(shape);
  const add = () => {
    if (needsValue(shape)) setAdded(items.length);
    else edit({ kind: "set-value", path: next, value: toEmpty(shape) }, `entry of ${owner}`);
  };
  return (
    <>
      {(isAdding ? [...items, undefined] : items).map((item, index) => (
        <Member
          // biome-ignore lint/suspicious/noArrayIndexKey: an item is its place in the list
          key={index}
          {...shared}
          name={String(index + 1)}
          path={[...path, index]}
          value={item}
          onCancel={() => setAdded(undefined)}
        />
      ))}
      {isEntered && (
        <Field
          key={`new ${items.length}`}
          field={{ ...toMember(String(items.length + 1), schema), label: "New entry" }}
          root={root}
          path={next}
          owner={owner}
          of={of}
          value={undefined}
        />
      )}
      {!isEntered && !isAdding && (
        <Button onPress={add} label={`Add entry to ${owner}`}>
          Add
        </Button>
      )}
    </>
  );
}

function Entries({ schema, root, path, owner, of, value }: MembersProps) {
  const { edit, keysAt, schemaAt } = useContext(Scope);
  const id = useId();
  const [name, setName] = useState("");
  // The key that is being entered: it is written with its first value.
  const [added, setAdded] = useState<string>();
  const map = toMap(value);
  const entries = Object.entries(map);
  const offers = keysAt(path).filter((key) => !Object.hasOwn(map, key));
  const add = () => {
    const [shape] = toShapes(schema, root);
    if (name === "" || Object.hasOwn(map, name)) return;
    if (needsValue(shape)) setAdded(name);
    else edit({ kind: "set-value", path: [...path, name], value: toEmpty(shape) }, `${name} of ${owner}`);
    setName("");
  };
  return (
    <>
      {(added === undefined || Object.hasOwn(map, added) ? entries : [...entries, [added, undefined] as const]).map(
        ([key, entry]) => (
          <Member
            key={key}
            name={key}
            schema={schemaAt([...path, key]) ?? schema}
            root={root}
            path={[...path, key]}
            owner={owner}
            of={of}
            value={entry}
            onCancel={() => setAdded(undefined)}
          />
        ),
      )}
      <div className="row">
        <input
          className="input"
          aria-label={`New key of ${owner}`}
          placeholder="key"
          value={name}
          spellCheck={false}
          list={id}
          onChange={({ target }) => setName(target.value)}
          onKeyDown={(event) => isEnter(event) && add()}
        />
        <Offers id={id} names={offers} />
        <Button onPress={add} label={`Add key to ${owner}`}>
          Add
        </Button>
      </div>
    </>
  );
}

/** Returns true for what is not valid empty, so that it is written with its first value. */
function needsValue(shape: Shape | undefined): boolean {
  if (shape?.kind !== "group") return shape?.kind === "scalar" || shape?.kind === "choice";
  return findKeyChoice(shape.schemas).length > 0 || shape.schemas.every(({ required = [] }) => required.length > 0);
}

interface MemberProps extends ValueProps {
  /** Its key, or its place from 1. */
  readonly name: string;
  readonly schema: JsonSchema;
  /** Called when one that is not written yet is removed. */
  readonly onCancel: () => void;
}

function Member({ name, schema, root, path, owner, of, value, onCancel }: MemberProps) {
  const { edit } = useContext(Scope);
  const part = useRef<HTMLDivElement>(null);
  const isNew = value === undefined;
  useEffect(() => {
    if (isNew) part.current?.querySelector<HTMLElement>(".input, input")?.focus();
  }, [isNew]);
  return (
    <div className="schema-member" ref={part}>
      <Field field={toMember(name, schema)} root={root} path={path} owner={owner} of={of} value={value} isNew={isNew} />
      <IconButton
        icon="remove"
        label={`Remove ${name} of ${owner}`}
        onPress={() => {
          onCancel();
          // The text may have it already, and the form not yet.
          edit({ kind: "set-value", path, value: undefined }, `${name} of ${owner}`);
        }}
      />
    </div>
  );
}

function toMember(name: string, schema: JsonSchema): SchemaField {
  return { key: name, label: schema.title ?? name, help: "", schema, isRequired: false };
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
        <Text mono>{cutText(JSON.stringify(value), 200)}</Text>
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
