import { defineExecutor, succeeded } from "@stackyard/core";
import type { ExecutorDetails } from "@stackyard/core/api";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { afterEach, expect, it } from "vitest";
import { createTestYard, type TestYard } from "./testing/test-yard.ts";

const script = defineExecutor({
  name: "script",
  config: Type.Object({ file: Type.Optional(Type.String({ maxLength: 10 })) }, { additionalProperties: false }),
  outputs: Type.Object({ code: Type.Integer() }),
  start: async () => succeeded({ code: 0 }),
});

let yard: TestYard;
afterEach(() => yard.stop());

it("lists the executors of the yard and approvals by name, with schemas that other programs can use", async () => {
  yard = createTestYard({ executor: script });

  const { items } = await yard.json<{ items: ExecutorDetails[] }>("/v1/executors");

  expect(items.map(({ name }) => name)).toEqual(["approval", "script"]);
  const [approval, own] = items;
  expect(own).toEqual({
    name: "script",
    resumable: true,
    config: {
      type: "object",
      properties: { file: { type: "string", maxLength: 10 } },
      additionalProperties: false,
    },
    outputs: { type: "object", required: ["code"], properties: { code: { type: "integer" } } },
  });
  // biome-ignore lint/suspicious/noTemplateCurlyInString: an expression of a machine
  const takes = (schema: object = {}) => Compile(schema).Check({ from: "${metadata.team}" });
  expect([takes(approval?.config), takes(approval?.documents?.v2)]).toEqual([false, true]);
});

it("continues after a name", async () => {
  yard = createTestYard();

  const first = await yard.json<{ items: ExecutorDetails[]; cursor?: string }>("/v1/executors?limit=1");
  const second = await yard.json<{ items: ExecutorDetails[]; cursor?: string }>(
    `/v1/executors?limit=1&cursor=${first.cursor}`,
  );

  expect(first.cursor).toBeDefined();
  expect([first, second].map(({ items, cursor }) => [items[0]?.name, cursor])).toEqual([
    ["approval", first.cursor],
    ["script", undefined],
  ]);
});
