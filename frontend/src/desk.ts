// What every page of the desk does: buttons that show work, and the panel.
import { workingButtons } from "./forms";
import { startPanel } from "./panel";

workingButtons(document);
startPanel();
