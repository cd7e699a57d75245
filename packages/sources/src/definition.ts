import { type Static, Type } from "typebox";

const closed = { additionalProperties: false };

/** Files of a bucket: one object, or everything under `key` + `/`. */
export const S3SourceConfig = Type.Object(
  {
    type: Type.Literal("s3"),
    bucket: Type.String({ minLength: 1, maxLength: 255, description: "Name of the bucket" }),
    key: Type.String({
      minLength: 1,
      maxLength: 1024,
      description: "One object, or the folder that contains the files",
    }),
  },
  closed,
);
export type S3SourceConfig = Static<typeof S3SourceConfig>;

/** A file or folder of the project. */
export const LocalSourceConfig = Type.Object(
  {
    type: Type.Literal("local"),
    location: Type.String({
      minLength: 1,
      maxLength: 1024,
      description: "A file, or a folder whose contents are used",
    }),
  },
  closed,
);
export type LocalSourceConfig = Static<typeof LocalSourceConfig>;

/** The name of a file or folder; never one that leads elsewhere. */
const SEGMENT = String.raw`(?!\.{1,2}(?:/|$))[^/\\\0]+`;

/** A folder of a commit at a code host. */
export const GitSourceConfig = Type.Object(
  {
    type: Type.Literal("git"),
    host: Type.String({
      pattern: "^[a-z][a-z0-9-]{0,31}$",
      expected: "the name of a host",
      description: "A host of the plugin `hosts`",
    }),
    repository: Type.String({
      pattern: String.raw`^(?!\.{1,2}/)[\w.-]+(?:/(?!\.{1,2}(?:/|$))[\w.-]+)+$`,
      expected: "a repository such as acme/shop",
      maxLength: 255,
      description: "Such as `acme/shop`",
    }),
    commit: Type.String({
      pattern: "^[0-9a-f]{40}$",
      expected: "a full commit of 40 hexadecimal digits",
      description: "The commit in full",
    }),
    path: Type.Optional(
      Type.String({
        pattern: `^${SEGMENT}(?:/{1,2}${SEGMENT})*$`,
        maxLength: 1024,
        description: "The folder that is copied; after `//` the one in it that is used. Default: the root",
      }),
    ),
    trusted: Type.Boolean({ description: "False: its authors may not change what they like" }),
  },
  closed,
);
export type GitSourceConfig = Static<typeof GitSourceConfig>;

/** Where the files of a task are. */
export const SourceConfig = Type.Union([S3SourceConfig, LocalSourceConfig, GitSourceConfig]);
export type SourceConfig = Static<typeof SourceConfig>;

const Filled = Type.String({ minLength: 1 });
/** A text with an expression. */
const Template = Type.String({ pattern: "\\$\\{" });

/** The sources in documents of version 2, by type, where values may be expressions. */
export const SOURCE_DOCUMENTS = {
  s3: Type.Object({ type: Type.Literal("s3"), bucket: Filled, key: Filled }, closed),
  local: Type.Object({ type: Type.Literal("local"), location: Filled }, closed),
  git: Type.Object(
    {
      type: Type.Literal("git"),
      host: Filled,
      repository: Filled,
      commit: Filled,
      path: Type.Optional(Filled),
      trusted: Type.Union([Type.Boolean(), Template]),
    },
    closed,
  ),
} as const;
