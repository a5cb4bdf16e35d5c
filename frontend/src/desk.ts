// What every page of the desk does: buttons that show work, the panel, booking, the palette and its keys, and what is live.
import { startBooking } from "./book";
import { workingButtons } from "./forms";
import { keepFresh } from "./fresh";
import { closeMenus } from "./more";
import { startPanel } from "./panel";
import { startShortcuts } from "./shortcuts";

workingButtons(document);
startPanel();
startBooking();
startShortcuts();
keepFresh();
closeMenus();
