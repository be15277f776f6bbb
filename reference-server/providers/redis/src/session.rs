//! One connection to a store, and what it can be asked. Must not know members; messages go to whoever is handed in.

use std::future::poll_fn;

use http_container::provider::{KvRequest, Reply};
use http_container::yield_now;
use redis_protocol::resp2::types::BytesFrame;

use crate::command::{Commands, commands, reply};
use crate::failure::Failure;
use crate::link::{Incoming, Link, Loss};
use crate::settings::Settings;

/// So many messages are taken in before others run.
const MESSAGES_AT_ONCE: u32 = 128;

/// Takes messages of channels.
pub(crate) trait Listener {
    /// One came.
    fn message(&self, channel: &[u8], value: &[u8]);
}

/// Messages that nobody wants.
pub(crate) struct Nobody;

impl Listener for Nobody {
    fn message(&self, _: &[u8], _: &[u8]) {}
}

/// A connection that was let in.
pub(crate) struct Session {
    link: Link,
    /// How many channels it listens to.
    listening: i64,
}

impl Session {
    /// Connects, and says who we are. The error says why not, in words.
    pub(crate) async fn open(settings: &Settings) -> Result<Self, String> {
        let place = &settings.place;
        let mut stream = place.connect().await.map_err(|error| error.to_string())?;
        if let (Some(tls), hc_connect::Place::Tcp { host, .. }) = (&settings.tls, place) {
            stream = tls.begin(stream, host).await.map_err(|error| error.to_string())?;
        }
        let mut this = Self { link: Link::new(stream), listening: 0 };
        let mut greeting = Commands::default();
        match (&settings.user, &settings.password) {
            (Some(user), Some(password)) => greeting.push(&[b"AUTH", user.as_bytes(), password.as_bytes()]),
            (None, Some(password)) => greeting.push(&[b"AUTH", password.as_bytes()]),
            _ => {}
        }
        if settings.database != 0 {
            greeting.push(&[b"SELECT", settings.database.to_string().as_bytes()]);
        }
        greeting.push(&[b"PING"]);
        // An old server or a proxy may not know it, and that does not matter.
        greeting.push(&[b"CLIENT", b"SETNAME", settings.client_name.as_bytes()]);
        let mut replies = this.ask(&greeting, &Nobody).await.map_err(|loss| loss.to_string())?;
        replies.pop();
        let refusal = replies.into_iter().find_map(|frame| match frame {
            BytesFrame::Error(text) => Some(text.to_string()),
            _ => None,
        });
        refusal.map_or(Ok(this), Err)
    }

    /// Whether it listens to channels, and so is other than a fresh one.
    pub(crate) fn is_listening(&self) -> bool {
        self.listening > 0
    }

    /// Does an operation.
    pub(crate) async fn perform(
        &mut self,
        request: &KvRequest,
        listener: &impl Listener,
    ) -> Result<Result<Reply, Failure>, Loss> {
        if let Some((commands, meaning)) = commands(request) {
            return Ok(reply(meaning, self.ask(&commands, listener).await?));
        }
        let (KvRequest::Subscribe { channel } | KvRequest::Unsubscribe { channel }) = request else {
            return Ok(Err(Failure::out_of_step()));
        };
        let word: &[u8] = match request {
            KvRequest::Subscribe { .. } => b"SUBSCRIBE",
            _ => b"UNSUBSCRIBE",
        };
        let before = self.listening;
        self.link.send(&Commands::one(&[word, channel])).await?;
        let changed = self.listening_changed(listener).await?;
        // There is one for each channel; nothing changes when one listens already, or did not.
        Ok(changed.map(|()| Reply::found(self.listening != before)))
    }

    /// Makes it like a fresh one: it listens to nothing.
    pub(crate) async fn reset(&mut self) -> Result<Result<(), Failure>, Loss> {
        self.link.send(&Commands::one(&[b"UNSUBSCRIBE"])).await?;
        loop {
            match self.listening_changed(&Nobody).await? {
                Ok(()) if self.is_listening() => {}
                outcome => return Ok(outcome),
            }
        }
    }

    /// Finds out whether the server still answers.
    pub(crate) async fn check(&mut self) -> Result<Result<(), Failure>, Loss> {
        let replies = self.ask(&Commands::one(&[b"PING"]), &Nobody).await?;
        Ok(match replies.first() {
            Some(BytesFrame::Error(text)) => Err(Failure::refused(text)),
            _ => Ok(()),
        })
    }

    /// Takes in messages, for ever: ends only when the connection does. Whoever is spoken to without pause lets others run
    /// in between.
    pub(crate) async fn listen(&mut self, listener: &impl Listener) -> Loss {
        loop {
            for _ in 0..MESSAGES_AT_ONCE {
                match self.receive().await {
                    Ok(Incoming::Message { channel, value }) => listener.message(&channel, &value),
                    Ok(_) => return Loss::Protocol("it answers though nothing was asked".to_owned()),
                    Err(loss) => return loss,
                }
            }
            yield_now().await;
        }
    }

    /// Says goodbye.
    pub(crate) async fn close(self) {
        self.link.close().await;
    }

    async fn receive(&mut self) -> Result<Incoming, Loss> {
        poll_fn(|context| self.link.poll_receive(context)).await
    }

    /// Sends commands and waits for as many replies.
    async fn ask(&mut self, commands: &Commands, listener: &impl Listener) -> Result<Vec<BytesFrame>, Loss> {
        self.link.send(commands).await?;
        let mut replies = Vec::with_capacity(commands.count());
        while replies.len() < commands.count() {
            match self.receive().await? {
                Incoming::Reply(frame) => replies.push(frame),
                Incoming::Message { channel, value } => listener.message(&channel, &value),
                Incoming::Listening(_) => {}
            }
        }
        Ok(replies)
    }

    /// Waits for the answer to a command about channels.
    async fn listening_changed(&mut self, listener: &impl Listener) -> Result<Result<(), Failure>, Loss> {
        loop {
            match self.receive().await? {
                Incoming::Listening(count) => {
                    self.listening = count;
                    return Ok(Ok(()));
                }
                Incoming::Message { channel, value } => listener.message(&channel, &value),
                Incoming::Reply(BytesFrame::Error(text)) => return Ok(Err(Failure::refused(&text))),
                Incoming::Reply(_) => return Ok(Err(Failure::out_of_step())),
            }
        }
    }
}
