import { Type } from "typebox";
import type { View } from "./view.ts";

const Text = Type.String({ minLength: 1, maxLength: 1_024 });

/** The pull request of a preview. */
export const PreviewPull = Type.Object({
  host: Type.String({ pattern: "^[a-z][a-z0-9-]{0,31}$", description: "As the options name it, such as `github`." }),
  repository: Type.Object({
    id: Type.String({ pattern: "^[0-9]{1,20}$", description: "The host's number, which survives renames." }),
    fullName: Type.String({ minLength: 1, maxLength: 1_024, description: "Such as `acme/shop`." }),
  }),
  number: Type.Integer({ minimum: 1, maximum: 2_147_483_647 }),
  url: Text,
  title: Type.Optional(Text),
  head: Type.String({ pattern: "^[0-9a-f]{40}$", description: "The commit that the stack was last sent." }),
  owner: Type.String({ minLength: 1, maxLength: 1_024, description: "Login of the author." }),
});
export type PreviewPull = View<typeof PreviewPull>;
