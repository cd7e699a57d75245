import type { Weather } from "@stackyard/core/testing";
import { listOwn, MINUTE_MS, type TerraformLife } from "./a-terraform-life.ts";

/** What a person, a tool or a provider changes between two looks. */
interface TerraformChange {
  readonly name: string;
  /** The page or the public report in which it happens. */
  readonly source: string;
  act(life: TerraformLife): Promise<void> | void;
  /** The documented way back, which is played before the destroy. */
  readonly back?: (life: TerraformLife) => Promise<void> | void;
}

const AWS_PROVIDER = "Terraform AWS provider, Provider Configuration";

/** A document that names another place than that of the objects is refused, with the place to name again. */
async function returnToObjects(life: TerraformLife): Promise<void> {
  const [object] = listOwn(life);
  if (object !== undefined) await life.revise({ account: object.account, region: object.region });
}

const terraformChanges: readonly TerraformChange[] = [
  {
    name: "region eu-west-1 → us-east-1",
    source: `${AWS_PROVIDER}: region`,
    async act(life) {
      life.acts.add("moved");
      await life.revise({ region: "us-east-1" });
    },
    back: returnToObjects,
  },
  {
    name: "another account",
    source: `${AWS_PROVIDER}: assume_role`,
    async act(life) {
      life.acts.add("moved");
      await life.revise({ account: "999900001111" });
    },
    back: returnToObjects,
  },
  {
    name: "the task is renamed",
    source: "octopus#2547",
    act: (life) => life.revise({ task: "network" }),
    back: (life) => life.revise({ task: "build" }),
  },
  {
    name: "an object is removed by hand",
    source: "Terraform docs, Manage resource drift",
    act(life) {
      life.acts.add("removed");
      const [object] = listOwn(life);
      if (object !== undefined) life.cloud.remove(object.id, object);
    },
  },
  {
    name: "deletion protection is put on an object",
    source: "Amazon EC2 API reference, ModifyInstanceAttribute: DisableApiTermination",
    act(life) {
      life.acts.add("protected");
      for (const { id } of listOwn(life)) life.cloud.protect(id, true);
    },
    back(life) {
      life.acts.delete("protected");
      for (const { id } of listOwn(life)) life.cloud.protect(id, false);
    },
  },
  {
    name: "nothing happens for a day",
    source: "AWS Health: an outage of a region",
    act: (life) => life.advance(24 * 60 * MINUTE_MS),
  },
];

const AND_BACK = ", and back";

/** The changes as weathers: the life plays the one that a look names. */
export const terraformSeasons: readonly Weather[] = terraformChanges.flatMap(({ name, source, back }) =>
  [name, ...(back === undefined ? [] : [`${name}${AND_BACK}`])].map(
    (each): Weather => ({
      name: each,
      source,
      fits: ({ operation }) => operation.startsWith("look."),
      async meet(_, proceed, world) {
        await world.act(each, {});
        return proceed();
      },
    }),
  ),
);

/** Plays the change of a weather's name. */
export async function actInLife(life: TerraformLife, name: string): Promise<void> {
  const change = terraformChanges.find((each) => each.name === name.replace(AND_BACK, ""));
  if (change === undefined) return;
  await change.act(life);
  const { back } = change;
  if (!name.endsWith(AND_BACK) || back === undefined) return;
  life.acts.add("back");
  life.backs.push(back);
}
