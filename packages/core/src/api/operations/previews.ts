import { Type } from "typebox";
import { PreviewPull } from "../preview-pull.ts";
import { answer, defineOperation, inline, page, refusal } from "./define-operation.ts";
import { pageQuery, StackId } from "./fields.ts";
import { stackFilterQuery } from "./stacks.ts";

const Text = Type.String({ minLength: 1, maxLength: 1_024 });
const { ids: _, ...stackQuery } = stackFilterQuery;
const params = { stackId: StackId };

export const listPreviews = defineOperation("GET", "/v1/previews", {
  operationId: "listPreviews",
  permission: "read",
  subject: "list",
  tag: "previews",
  summary: "List stacks of pull requests by id, at most 100 a page. A page may be empty and have a cursor.",
  query: {
    host: Type.Optional(Text),
    repository: Type.Optional({ ...Text, description: "Its name, such as `acme/shop`, or its number." }),
    number: Type.Optional(Type.Integer({ minimum: 1, description: "Of the pull request." })),
    owner: Type.Optional(Text),
    faulty: Type.Optional(
      Type.Boolean({ description: "True: only those that are not what their pull request needs." }),
    ),
    ...stackQuery,
    ...pageQuery,
  },
  answers: { 200: page("StackPreview", "A page.") },
});

export const getPreview = defineOperation("GET", "/v1/previews/:stackId", {
  operationId: "getPreview",
  permission: "read",
  subject: "stack",
  tag: "previews",
  summary: "Get the pull request of a stack, and what the stack costs and waits for.",
  params,
  answers: {
    200: answer("StackPreview", "The preview."),
    404: refusal("STACK_UNKNOWN: the stack does not exist. NOT_FOUND: it is of no pull request."),
  },
});

export const linkPreview = defineOperation("PUT", "/v1/previews/:stackId/link", {
  operationId: "linkPreview",
  permission: "send",
  subject: "items",
  audited: true,
  tag: "previews",
  summary:
    "Link a stack to its pull request. A job of a CI may name only its own repository. Links of other callers are not reported to the code host.",
  params,
  body: Type.Object(PreviewPull.properties, { additionalProperties: false }),
  example: {
    body: {
      host: "github",
      repository: { id: "424242", fullName: "acme/web" },
      number: 7,
      url: "https://github.com/acme/web/pull/7",
      head: "1".repeat(40),
      owner: "octocat",
    },
  },
  answers: {
    200: inline(Type.Object({ stackId: Type.String(), pull: PreviewPull }), "It is linked."),
    403: refusal(
      "FORBIDDEN: the permission `send` is missing, the repository is another one, or a hook or a job has linked the stack and the caller is not a job.",
    ),
    404: refusal("STACK_UNKNOWN: the stack does not exist, or the caller cannot read it."),
  },
});

export const listOrphans = defineOperation("GET", "/v1/orphans", {
  operationId: "listOrphans",
  permission: "read",
  subject: "yard",
  tag: "previews",
  summary:
    "List resources and Terraform states of stacks that have been gone for an hour, at most 100 stacks a page. A page may be empty and have a cursor.",
  query: pageQuery,
  answers: { 200: answer("OrphanPage", "A page, and the last search. Without a search, nothing is known.") },
});
