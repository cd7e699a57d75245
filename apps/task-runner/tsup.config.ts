import { appOf } from "../../tsup.base.ts";

// The container is also the image of a function, which so has the SDK that it was tested with.
export default appOf(import.meta.dirname, { index: "src/index.ts" });
