import { defined } from "@stackyard/core";
import { Button } from "./button.tsx";
import { useToast } from "./toasts.tsx";

interface CopyButtonProps {
  readonly text: string;
  readonly label?: string;
  readonly look?: "plain";
  /** The word on it. */
  readonly name?: string;
}

/** Copies a text, and says whether the browser did: it may refuse, and on pages without HTTPS it always does. */
export function CopyButton({ text, label, look, name = "Copy" }: CopyButtonProps) {
  const toast = useToast();
  async function copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
      toast("Copied");
    } catch {
      toast("The browser does not let this page copy. Select the text, and copy it by the keyboard.", "fail");
    }
  }
  return (
    <Button onPress={copy} {...defined({ label, look })}>
      {name}
    </Button>
  );
}

/** Renders a command of the terminal with a button that copies it. */
export function Command({ text }: { text: string }) {
  return (
    <span className="command">
      <code>{text}</code>
      <CopyButton text={text} label={`Copy ${text}`} look="plain" />
    </span>
  );
}
