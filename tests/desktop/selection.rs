//! X11's way to hand over data: the owner of a selection is asked for it, in a form that it offers.

use x11rb::COPY_DEPTH_FROM_PARENT;
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ConnectionExt as _, CreateWindowAux, EventMask, PropMode, SelectionNotifyEvent,
    SelectionRequestEvent, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use super::error::Result;
use super::window::atom;

/// A connection with a window that nobody sees, as selections need one.
pub(crate) struct HiddenWindow {
    pub(crate) connection: RustConnection,
    pub(crate) id: u32,
}

impl HiddenWindow {
    /// A connection of its own, so that nobody else takes its events.
    ///
    /// # Errors
    /// When the server refuses.
    pub(crate) fn open(display: &str) -> Result<Self> {
        let (connection, screen) = x11rb::connect(Some(display))?;
        let root = connection.setup().roots[screen].root;
        let id = connection.generate_id()?;
        let class = WindowClass::INPUT_OUTPUT;
        let settings = CreateWindowAux::new().event_mask(EventMask::PROPERTY_CHANGE);
        connection.create_window(COPY_DEPTH_FROM_PARENT, id, root, 0, 0, 1, 1, 0, class, 0, &settings)?.check()?;
        Ok(Self { connection, id })
    }
}

/// Data that is offered as a selection.
pub(crate) struct Offer {
    pub(crate) window: HiddenWindow,
    selection: Atom,
    targets: Atom,
    /// The forms, the best first.
    forms: Vec<(Atom, Vec<u8>)>,
}

impl Offer {
    /// Takes the selection over.
    ///
    /// # Errors
    /// When the server refuses.
    pub(crate) fn new(display: &str, selection: &str, forms: &[(&str, &[u8])]) -> Result<Self> {
        let window = HiddenWindow::open(display)?;
        let connection = &window.connection;
        let selection = atom(connection, selection)?;
        let targets = atom(connection, "TARGETS")?;
        let forms = forms
            .iter()
            .map(|(form, data)| Ok((atom(connection, form)?, data.to_vec())))
            .collect::<Result<Vec<_>>>()?;
        connection.set_selection_owner(window.id, selection, x11rb::CURRENT_TIME)?.check()?;
        Ok(Self { window, selection, targets, forms })
    }

    /// Answers somebody who asks for the data; true when it was handed over, false for a list of its forms or a refusal.
    ///
    /// # Errors
    /// When the connection breaks.
    pub(crate) fn answer(&self, request: &SelectionRequestEvent) -> Result<bool> {
        let connection = &self.window.connection;
        // Old programs leave the choice of the property to the owner.
        let property = if request.property == x11rb::NONE { request.target } else { request.property };
        let data = self.forms.iter().find(|(form, _)| *form == request.target).map(|(_, data)| data);
        let mut is_answered = request.selection == self.selection;
        if request.target == self.targets {
            let mut forms = vec![self.targets];
            forms.extend(self.forms.iter().map(|(form, _)| *form));
            connection
                .change_property32(PropMode::REPLACE, request.requestor, property, AtomEnum::ATOM, &forms)?
                .check()?;
        } else if let Some(data) = data {
            connection
                .change_property8(PropMode::REPLACE, request.requestor, property, request.target, data)?
                .check()?;
        } else {
            is_answered = false;
        }
        let notice = SelectionNotifyEvent {
            response_type: x11rb::protocol::xproto::SELECTION_NOTIFY_EVENT,
            sequence: 0,
            time: request.time,
            requestor: request.requestor,
            selection: request.selection,
            target: request.target,
            property: if is_answered { property } else { x11rb::NONE },
        };
        connection.send_event(false, request.requestor, EventMask::NO_EVENT, notice)?.check()?;
        Ok(is_answered && data.is_some())
    }
}
